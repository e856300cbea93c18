"""The pages' icons in Airflow's menu, drawn here: a picture from elsewhere would be one more address to ask."""

from urllib.parse import quote

LIGHT, DARK = "#4a4848", "#d4d4d8"  # as dark as Airflow's own, by its two modes
_LIST = "M4 6h9M4 12h9M4 18h6M18 4l1.2 2.8L22 8l-2.8 1.2L18 12l-1.2-2.8L14 8l2.8-1.2z"
_TWO_CURVES = "M2 18c4 0 4-12 8-12s4 12 8 12M8 18c4 0 4-9 7-9s4 9 7 9"


def _drawn(path: str) -> dict[str, str]:
    def of(colour: str) -> str:
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{colour}" '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><path d="{path}"/></svg>'
        )
        return f"data:image/svg+xml,{quote(svg)}"

    return {"icon": of(LIGHT), "icon_dark_mode": of(DARK)}


NEXTPICK, DRIFT = _drawn(_LIST), _drawn(_TWO_CURVES)
