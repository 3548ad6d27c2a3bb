"""Label Studio's labelling page, made from the catalogue: its labels, with a key and a colour each."""

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from detector.card import Card
from detector.taxonomy import Judged, Taxonomy

FROM_NAME = "box"
TO_NAME = "picture"
IMAGE = "image"  # the member of a task's data that holds the picture's address
_BETWEEN = " · "
#: one key each, none that Label Studio uses itself (Ctrl combinations, U, Backspace, Esc, Space, arrows, V, Z)
_KEYS = "1234567890qwertyasdfghjklxcbnm"
#: dark enough for white text, far apart for neighbours; Kelly's colours of maximum contrast, darkened
_COLOURS = (
    "#b3261e", "#0f5f73", "#8a5300", "#5b2a86", "#1d6b3f", "#a0335f", "#2f4b8f", "#6b5d00", "#7a3b1e", "#3f6f2a",
    "#005f99", "#8c2f8c", "#4a4a4a", "#b04a00", "#006b6b", "#7b1fa2", "#33691e", "#ad1457", "#01579b", "#5d4037",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One thing a reviewer may draw a box around."""

    code: str  #: a class of the model, or one of the catalogue that no model sees yet
    text: str  #: as Label Studio shows and exports it
    key: str
    colour: str


def labels(taxonomy: Taxonomy, card: Card) -> list[Label]:
    """Give the labels: first the model's classes in its order, then what the catalogue reports by hand.

    What no model sees yet is there too: boxes drawn today are what teaches tomorrow's model.
    """
    by_hand = [
        code
        for code, entry in taxonomy.classes.items()
        if entry.seen is None
        or entry.seen.judged is Judged.parking  # a vehicle alone does not say that it may not stand
    ]
    codes = list(dict.fromkeys([*(known.name for known in card.classes), *by_hand]))
    return [
        Label(
            code=code,
            text=f"{taxonomy.name_of(code, 'zh')}{_BETWEEN}{code}",
            key=_KEYS[place] if place < len(_KEYS) else "",
            colour=_COLOURS[place % len(_COLOURS)],
        )
        for place, code in enumerate(codes)
    ]


def code_of(text: str) -> str:
    """Give the class that a label's text stands for; names may change, the code behind them does not."""
    return text.rsplit(_BETWEEN, 1)[-1].strip()


def label_config(taxonomy: Taxonomy, card: Card) -> str:
    """Give the labelling page as Label Studio's XML."""
    lines = [
        f"<Label value={quoteattr(one.text)} background={quoteattr(one.colour)}"
        + (f" hotkey={quoteattr(one.key)}" if one.key else "")
        + f" hint={quoteattr(taxonomy.name_of(one.code, 'en'))}/>"
        for one in labels(taxonomy, card)
    ]
    inside = "\n    ".join(lines)
    return f"""<View>
  <Header value="$point · $taken" size="5"/>
  <Image name="{TO_NAME}" value="${IMAGE}" zoom="true" zoomControl="true" brightnessControl="true"/>
  <RectangleLabels name="{FROM_NAME}" toName="{TO_NAME}" showInline="true">
    {inside}
  </RectangleLabels>
</View>"""
