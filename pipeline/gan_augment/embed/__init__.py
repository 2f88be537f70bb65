"""What a pretrained network sees in the images: the features that photographs are judged by."""
