"""params.yaml as typed, frozen models: the only reader of that file.

One section a stage; a stage gets its own section and nothing else, so `dvc.yaml` can track exactly
what each stage uses. Names that stand for code (sources, networks, arms, classifiers) are checked
by their registries, not here, so that a new one is an entry in one file.
"""

import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails

from gan_augment.errors import UserError, hint, without_passwords
from gan_augment.plain_yaml import parse

MOST, WIDEST, MOST_LAYERS, MOST_REPEATS = 10**9, 2**16, 100, 10_000
"""Counts, sizes and numbers of layers, and repeats beyond which nobody means it."""
Positive = Annotated[int, Field(ge=1, le=MOST)]
Width = Annotated[int, Field(ge=1, le=WIDEST)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
BatchSize = Annotated[int, Field(ge=2, le=2**20)]
Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]
MAX_SIDE = 512
MAX_PIXELS = 178_956_970
"""Pillow opens no larger picture."""
Side = Annotated[int, Field(ge=4, le=MAX_SIDE)]
Size = Annotated[
    tuple[Side, Side],
    BeforeValidator(
        lambda v: (v, v) if isinstance(v, int) else v,
        json_schema_input_type=Side | tuple[Side, Side],
    ),
]


def _each_once(names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError(f"{info.field_name} must not name anything twice")
    return names


EachOnce, Unique = AfterValidator(_each_once), Field(json_schema_extra={"uniqueItems": True})
Names = Annotated[tuple[str, ...], EachOnce, Unique]
SomeNames = Annotated[tuple[str, ...], Field(min_length=1), EachOnce, Unique]

Space = Literal["auto", "features", "pixels"]
"""What is generated: features where a backbone looks at the images, else pixels, or either."""


def only(key: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of a mapping with this key and no other."""
    return {
        "type": "object",
        "properties": {key: value},
        "required": [key],
        "additionalProperties": False,
    }


class Section(BaseModel):
    """A frozen mapping that refuses keys it does not know and values of another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Split(Section):
    """Shares of the images, which add up to 1, and how images get there."""

    train: Annotated[float, Field(gt=0, lt=1)] = 0.6
    validation: Annotated[float, Field(gt=0, lt=1)] = 0.2
    test: Annotated[float, Field(gt=0, lt=1)] = 0.2
    assign: Literal["stratified", "hash"] = "stratified"
    given: Literal["keep", "ignore"] = "keep"

    @model_validator(mode="after")
    def _adds_up(self) -> "Split":
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"train + validation + test must be 1, not {total:g}")
        return self


class Columns(Section):
    """Which column of a table of images is what; None stands for the usual names."""

    image: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None


class Group(Section):
    """Where groups come from: written `given`, `folder` or `{pattern: regular expression}`."""

    kind: Literal["given", "folder", "pattern"]
    pattern: str = ""

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> dict[str, Any]:
        match value:
            case "given" | "folder":
                return {"kind": value}
            case {"pattern": str() as pattern, **rest} if not rest:
                try:
                    re.compile(pattern)
                except re.error as error:
                    raise ValueError(f"not a regular expression: {error}") from None
                return {"kind": "pattern", "pattern": pattern}
        raise ValueError("must be given, folder, or {pattern: a regular expression}")

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> dict[str, Any]:
        pattern = only("pattern", {"type": "string", "format": "regex"})
        return {"anyOf": [{"enum": ["given", "folder"]}, pattern]}


class Duplicates(Section):
    """Which images count as the same, and what becomes of those that contradict each other."""

    near: Annotated[float, Field(gt=0, le=32)] | None = 4.0
    conflicts: Literal["drop", "first", "error"] = "drop"
    leaks: Literal["drop", "error"] = "drop"


class IngestParams(Section):
    """How raw images become data/real."""

    seed: Seed = 0
    source: str = "digits"
    path: Path = Path("data/raw")
    files: str | None = None
    annotations: str | None = None
    columns: Columns = Columns()
    dataset: str | None = None
    dataset_options: dict[str, Any] = {}
    class_names: Annotated[tuple[str, ...], Field(min_length=2)] | None = None
    image_size: Size | None = None
    channels: Literal[1, 3] | None = None
    fit: Literal["stretch", "pad", "crop"] = "stretch"
    max_rejected: Fraction = 0.05
    max_pixels: Annotated[int, Field(ge=16, le=MAX_PIXELS)] = 50_000_000
    max_images: Positive = 2_000_000
    max_bytes: Annotated[int, Field(ge=1, lt=2**63)] = 20_000_000_000
    duplicates: Duplicates = Duplicates()
    group: Group = Group.model_validate("given")
    split: Split = Split()
    limit: Positive | None = None
    scarcity: dict[str, Positive] = {}


class EmbedParams(Section):
    """How data/real becomes data/features."""

    backbone: str = "auto"
    weights: Path | None = None
    image_size: Size | None = None


class Origin(Section):
    """A trained model: a path, or `{repo, rev, path}` of a DVC repository."""

    path: Path = Path("models/generator")
    repo: str | None = None
    rev: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "format": "path"}, handler(core)]}

    @field_serializer("repo", when_used="json")
    def _to_be_kept(self, repo: str | None) -> str | None:
        """Leave out passwords: a model's config names where it started, for all who have it."""
        return repo and without_passwords(repo)

    @model_validator(mode="after")
    def _revision_of_something(self) -> "Origin":
        if self.rev and not self.repo:
            raise ValueError("rev needs repo: a path alone has no revisions")
        return self


class TrainParams(Section):
    """How data/real becomes models/generator; None stands for what suits network and loss."""

    seed: Seed = 0
    network: str = "auto"
    width: (
        Width | Annotated[tuple[Width, ...], Field(min_length=1, max_length=MOST_LAYERS)] | None
    ) = None
    latent_dim: Width = 64
    embedding_dim: Width = 32
    conditional: bool = True
    label_ramp: tuple[Fraction, Fraction] | None = None
    balance: Fraction = 0.0
    spectral_norm: bool = False
    minibatch_stddev: bool = False
    init_from: Origin | None = None
    loss: str = "non-saturating"
    weight_clip: Rate | None = None
    penalty: str | None = None
    gamma: Weight | None = None
    final_gamma: Weight = 1.0
    penalty_interval: Positive = 4
    augment: Names = ()
    augment_probability: Annotated[float, Field(ge=0, le=0.6)] | Literal["adaptive"] = "adaptive"
    steps: Positive | None = None
    batch_size: BatchSize | None = None
    discriminator_steps: Positive = 1
    learning_rate: Rate | None = None
    discriminator_rate: Rate = 1.0
    final_learning_rate: Fraction = 0.1
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.0
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.99
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.999
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    threads: Positive | None = None
    eval_interval: Positive | None = None
    select: Literal["lift", "cas", "kid", "fid"] | None = None
    inception_weights: Path | None = None
    max_rollbacks: Count = 3
    checkpoint_interval: Positive = 500

    @field_validator("label_ramp")
    @classmethod
    def _rises(cls, ramp: tuple[float, float] | None) -> tuple[float, float] | None:
        if ramp and ramp[0] >= ramp[1]:
            raise ValueError("must rise: [start, end] with start < end, as shares of the steps")
        return ramp


class Recipe(TrainParams):
    """The section `train` with nothing left open: what a training run really used."""

    width: Width | tuple[Width, ...]
    penalty: str
    gamma: Weight
    steps: Positive
    batch_size: BatchSize
    learning_rate: Rate
    eval_interval: Positive
    select: Literal["lift", "cas", "kid", "fid"]


class Plan(Section):
    """How many synthetic images of each class.

    Written `auto`, `fill`, `{fill: f}`, `{ratio: r}`, `{per_class: n}` or `{classes: {name: n}}`.
    """

    kind: Literal["auto", "fill", "ratio", "per_class", "classes"]
    amount: Annotated[float, Field(gt=0, le=MOST)] = 1
    classes: dict[str, Count] = {}

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> dict[str, Any]:
        match value:
            case "auto" | "fill":
                return {"kind": value}
            case {"fill": float() | int() as times, **rest} if not rest and times >= 1:
                return {"kind": "fill", "amount": times}
            case {"ratio": float() | int() as ratio, **rest} if not rest and ratio > 0:
                return {"kind": "ratio", "amount": ratio}
            case {"per_class": int() as number, **rest} if not rest and number > 0:
                return {"kind": "per_class", "amount": number}
            case {"classes": dict() as classes, **rest} if not rest:
                return {"kind": "classes", "classes": classes}
        raise ValueError(
            "must be auto, fill, {fill: f} with f ≥ 1, {ratio: r} with r > 0, {per_class: n} with "
            "n ≥ 1, or {classes: {name: n}}"
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, *_: Any) -> dict[str, Any]:
        counts = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
        return {
            "anyOf": [
                {"enum": ["auto", "fill"]},
                only("fill", {"type": "number", "minimum": 1}),
                only("ratio", {"type": "number", "exclusiveMinimum": 0}),
                only("per_class", {"type": "integer", "minimum": 1}),
                only("classes", counts),
            ]
        }


class GenerateParams(Section):
    """How models/generator becomes data/synthetic."""

    seed: Seed = 0
    space: Space = "auto"
    method: str = "gan"
    plan: Plan = Plan.model_validate("auto")
    min_real: Count = 10
    fallback: str | None = None
    truncation: Rate | None = None
    gates: Names = ()
    keep_real: Annotated[float, Field(gt=0, le=1)] = 0.95
    max_tries: Positive = 20


class ClassicParams(Section):
    """What a classic augmentation may do without changing what an image shows.

    `policy` is what is done where validation does not choose: a key of `classic.POLICIES`.
    """

    policy: str = "affine"
    flip: bool = False
    degrees: Annotated[float, Field(ge=0, le=180)] = 10.0
    translate: Fraction = 0.1
    scale: Annotated[float, Field(ge=0, lt=1)] = 0.1


class EvaluateParams(Section):
    """How the verdict is reached."""

    seed: Seed = 0
    repeats: Annotated[int, Field(ge=6, le=MOST_REPEATS)] = 10
    arms: SomeNames = ("real", "gan")
    classifiers: SomeNames = ("logistic-regression",)
    classic: ClassicParams = ClassicParams()
    steps: Positive = 2000
    fine_tuning_steps: Positive = 120
    tuning_repeats: Annotated[int, Field(ge=0, le=MOST_REPEATS)] = 1
    min_gain: Annotated[float, Field(ge=0, le=100)] = 0.5

    @property
    def sets(self) -> int:
        """How many draws of the synthetic images there must be, data/synthetic included.

        One for each repeat, and one that no repeat uses for each trial of the tuning.
        """
        return self.repeats + self.tuning_repeats

    @model_validator(mode="after")
    def _can_compare(self) -> "EvaluateParams":
        if "real" not in self.arms:
            raise ValueError("arms must include 'real': every other arm is measured against it")
        return self


class ReportParams(Section):
    """What the page cannot know: what the images are called, and of when they are."""

    data: str | None = None


class AssembleParams(Section):
    """What may go into data/augmented."""

    require: Literal["helps", "level", "undecided", "none"] = "level"
    method: Literal[
        "auto", "gan", "gmm", "smote", "gaussian", "gan+gmm", "gan+smote", "gan+gaussian"
    ] = "auto"
    seed: Seed = 0


class ClassifierParams(Section):
    """What becomes models/classifier."""

    judge: Literal["auto", "logistic-regression", "mlp"] = "auto"
    seed: Seed = 0


class Params(Section):
    """The whole of params.yaml."""

    ingest: IngestParams = IngestParams()
    embed: EmbedParams = EmbedParams()
    train: TrainParams = TrainParams()
    generate: GenerateParams = GenerateParams()
    evaluate: EvaluateParams = EvaluateParams()
    report: ReportParams = ReportParams()
    assemble: AssembleParams = AssembleParams()
    classifier: ClassifierParams = ClassifierParams()


def load(path: Path) -> Params:
    """Read and check params.yaml.

    Raises:
        UserError: the file is missing, cannot be read or is not YAML, a key is unknown or a value
            is not allowed; the message names each key's path, its value and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(
            f"{path} is missing: run in the project's top folder, or pass --params"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    return check(parse(text, str(path)), str(path))


def check(content: Any, where: str) -> Params:
    """Return the settings that the content of a file gives.

    Raises:
        UserError: as of `load`; `where` names the file.
    """
    try:
        return Params.model_validate({} if content is None else content)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        lines = [f"{where}: {'.'.join(map(str, f['loc'])) or 'file'}{_explain(f)}" for f in faults]
        raise UserError("\n".join(lines)) from None


def _explain(fault: ErrorDetails) -> str:
    if fault["type"] == "extra_forbidden":
        *section, name = fault["loc"]
        return f": unknown key; {hint(str(name), _keys(section))}"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if fault["type"] == "model_type":
        message = "should be a mapping of keys to values"
    return f" = {reprlib.repr(fault['input'])}: {message}"


def _keys(section: list[int | str]) -> list[str]:
    """Return the keys that a section of params.yaml may have."""
    model: Any = Params
    for name in section:
        declared = model.model_fields[name].annotation
        model = next(part for part in get_args(declared) or [declared] if part is not NoneType)
    return list(model.model_fields)
