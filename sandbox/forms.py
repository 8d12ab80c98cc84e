"""What people and tests send to the admin pages, checked; a mistake is answered with its remedy."""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse

Form = TypeVar("Form", bound=BaseModel)


class MistakeError(Exception):
    """The input is not understood; `problems` name field, problem and remedy."""

    def __init__(self, problems: list[dict[str, str]]) -> None:
        super().__init__(problems)
        self.problems = problems


async def read_body(request: Request, form: type[Form]) -> Form:
    """The JSON body as `form`; an empty body means all defaults."""
    body = await request.body()
    try:
        return read(json.loads(body or b"{}"), form)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise MistakeError(
            [_mistake("body", "is not JSON", f"send an object with any of {_fields(form)}")]
        ) from None


def read(value: object, form: type[Form]) -> Form:
    try:
        return form.model_validate(value)
    except ValidationError as invalid:
        raise MistakeError([_explain(error, form) for error in invalid.errors()]) from None


async def answer_mistake(_request: Request, mistake: Exception) -> JSONResponse:
    assert isinstance(mistake, MistakeError)
    return JSONResponse({"problems": mistake.problems}, status_code=422)


def _explain(error: Any, form: type[BaseModel]) -> dict[str, str]:
    name = str(error["loc"][0]) if error["loc"] else "body"
    if error["type"] == "extra_forbidden":
        return _mistake(name, "is not known here", f"use one of {_fields(form)}")
    if name not in form.model_fields:
        return _mistake(name, error["msg"], f"send an object with any of {_fields(form)}")
    return _mistake(name, error["msg"], f"send {form.model_fields[name].description}")


def _mistake(field: str, problem: str, remedy: str) -> dict[str, str]:
    return {"field": field, "problem": problem, "remedy": remedy}


def _fields(form: type[BaseModel]) -> str:
    return ", ".join(form.model_fields)
