"""Ids in paths: all of what is left of the path, line breaks and slashes too."""

from starlette.convertors import Convertor, register_url_convertor


class IdConvertor(Convertor[str]):
    """As Starlette's `path`, whose dot leaves line breaks out: `/users/a%0A` would be the user `a`."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return str(value)


register_url_convertor("id", IdConvertor())
ITEM = "/items/{item_id:id}"
USER = "/users/{user_id:id}"
