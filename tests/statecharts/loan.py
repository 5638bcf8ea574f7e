"""Two versions of a machine that has one of everything."""

from typing import Any

LOAN: dict[str, Any] = {
    "id": "loan app",
    "initial": "in review",
    "on": {"CANCEL": {"target": ".gone", "guard": "may", "actions": ["log"]}},
    "states": {
        "in review": {
            "type": "parallel",
            "onDone": "ok",
            "states": {
                "legal": {
                    "initial": "open",
                    "entry": ["notify", {"type": "page"}],
                    "states": {
                        "open": {"after": {"1000": "shut"}, "on": {"E": "shut"}},
                        "shut": {"type": "final"},
                        "past": {"type": "history", "history": "deep", "target": "open"},
                    },
                },
                "money": {"type": "final"},
            },
        },
        "ok": {
            "always": {"target": "gone", "guard": "late"},
            "invoke": {"src": "print", "onDone": "gone"},
            "on": {"SAY \"hi\"; <b>": {"target": "ok", "reenter": True}, "NOTHING": {}},
        },
        "gone": {"type": "final", "tags": "closed"},
    },
}  # fmt: skip


def renamed() -> dict[str, Any]:
    """``ok`` is called ``approved``; there is a state more, an event less and a transition that goes elsewhere."""
    review, ok, gone = LOAN["states"].values()
    legal = review["states"]["legal"]
    opened = {key: value for key, value in legal["states"]["open"].items() if key != "on"}
    return {
        **LOAN,
        "states": {
            "in review": {
                **review,
                "onDone": "approved",
                "states": {
                    **review["states"],
                    "legal": {**legal, "states": {**legal["states"], "open": opened}},
                },
            },
            "approved": {**ok, "on": {**ok["on"], "SAY \"hi\"; <b>": "gone", "MORE": "extra"}},
            "gone": gone,
            "extra": {"on": {"E": "gone"}},
        },
    }  # fmt: skip
