"""Classification accuracy score: what training on synthetic images teaches of real ones."""

import numpy as np

from gan_augment.table import Images


def standard_error(score: float, real: Images) -> float:
    """Return the standard error of a balanced accuracy on `real`, as if all recalls were alike.

    √(p(1 − p) Σ 1/n_c) / C, with n_c images in each of C classes.
    """
    counts = real.counts()
    per_class = np.sum(1 / counts[counts > 0]) / np.count_nonzero(counts) ** 2
    return float(np.sqrt(score * (1 - score) * per_class))


def classification_accuracy_score(synthetic: Images, real: Images) -> float:
    """Return the balanced accuracy on `real` of an RBF-SVM trained on `synthetic` (0–1).

    Classes without a real image count for nothing. Ravuri & Vinyals 2019, with an SVM on pixels, or
    on standardised features of a backbone, in place of a ResNet: quick and without a seed.
    """
    from sklearn.metrics import recall_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    scaling = StandardScaler() if real.space else "passthrough"
    classifier = make_pipeline(scaling, SVC(C=10, gamma="scale"))
    classifier.fit(synthetic.flat(), synthetic.labels)
    predicted, present = classifier.predict(real.flat()), np.unique(real.labels)
    return float(recall_score(real.labels, predicted, labels=present, average="macro"))
