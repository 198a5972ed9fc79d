"""Writes what `league look --attention` found as lines for the screen."""

from __future__ import annotations

from typing import Any

_WITHOUT = {
    "all": "any attention",
    "places": "spatial attention",
    "scales": "attention to scales",
    "neighbours": "attention to neighbours",
}


def attention_lines(numbers: dict[str, Any], member: str) -> list[str]:
    """Return the attention of a sight, and what changes without it.

    Args:
        numbers: of `look.measure`, with attention.
        member: what to call the network.
    """
    attention = numbers["attention"]
    lines = [
        f"seat {numbers['seat']}: {member}, decision {numbers['decision']} of "
        f"{numbers['n_decisions']} (tick {numbers['tick']:,} of {numbers['max_ticks']:,}), then "
        f"chose {numbers['action_name']}"
    ]
    if "neighbours" in attention:
        lines += ["", *_neighbour_lines(attention)]
    if "head_weights" in attention:
        lines += ["", *_scale_lines(attention)]
    places = [
        f"  {view:<9} layer {index + 1}  entropy {layer['entropy']:.3f}  peak {layer['peak']:6.1f}"
        f"  own border {layer['shares']['own_border']:6.1%} of attention, "
        f"{found['area']['own_border']:.1%} of area"
        for view, found in attention["views"].items()
        for index, layer in enumerate(found["spatial"])
    ]
    if places:
        lines += ["", "Where it looks in the views (entropy 1 is evenly)", *places]
    return [*lines, "", *_without_lines(attention["without"])]


def _neighbour_lines(attention: dict[str, Any]) -> list[str]:
    found = attention["neighbours"]
    if not found:
        return ["No neighbours to look at"]
    evenness = attention["evenness"]
    note = "" if evenness is None else f" (entropy {evenness:.3f}, 1 is evenly)"
    width = max(len(each["name"]) for each in found)
    heads = len(found[0]["by_head"])
    lines = [
        f"Which neighbours the seat looks at{note}",
        f"  {'neighbour':<{width}}   mean  " + "  ".join(f"head {i + 1}" for i in range(heads)),
    ]
    for each in found:
        by_head = "  ".join(f"{share:6.0%}" for share in each["by_head"])
        lines.append(f"  {each['name']:<{width}} {each['seat']:6.0%}  {by_head}")
    lines += ["", "Which neighbours each neighbour looks at (mean of the heads)"]
    for each in found:
        others = sorted(each["looks_at"].items(), key=lambda pair: -pair[1])
        told = ", ".join(f"{name} {share:.0%}" for name, share in others[:4])
        lines.append(f"  {each['name']:<{width}}  {told}")
    return lines


def _scale_lines(attention: dict[str, Any]) -> list[str]:
    heads, weights = attention["head_weights"], attention["scale_weights"]
    gates = attention.get("gates")
    lines = ["Which views it looks at"]
    for scale, weight in weights.items():
        mean = sum(head[scale] for head in heads) / len(heads)
        gate = "" if gates is None else f"  gate {gates[scale]:.4f} (0 is closed)"
        lines.append(f"  {scale:<9} {mean:6.0%}  learned weight {weight:.3f}{gate}")
    return lines


def _without_lines(without: dict[str, Any]) -> list[str]:
    lines = [
        f"Orders that change without attention (even weights), in the {without['n_decisions']} "
        "decisions of this seat",
        f"  {'':<24} by the same draw  most probable  mean shift of probability",
    ]
    for kind, worth in without.items():
        if kind != "n_decisions":
            lines.append(
                f"  {_WITHOUT[kind]:<24} {worth['played']:16.1%} {worth['most_probable']:14.1%} "
                f"{worth['shift']:26.3f}"
            )
    return lines
