"""Refusals: one stable type each, said in French, naming every field that is wrong."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

import services
from services.announcements.domain.calls import Call
from services.directory.api.imports import Source
from services.directory.api.proposals import EditIn, NewsIn
from services.moderation.api.cases import ApprovalIn, OpinionIn
from shared.errors import RULES, TYPE_PREFIX, InvalidField, InvalidInput, Problem, document, explain

SEEN = {"revision": 1}

# every refusal is known once every service is read
for path in sorted(Path(services.__path__[0]).glob("*/**/*.py")):
    if path.stem not in ("__main__", "__init__"):
        parts = path.relative_to(Path(services.__path__[0])).with_suffix("").parts
        importlib.import_module(".".join(("services", *parts)))


def every(problem: type[Problem]) -> list[type[Problem]]:
    """A kind of problem and all that derive from it."""
    return [problem, *(one for child in problem.__subclasses__() for one in every(child))]


PROBLEMS = [one for one in every(Problem) if one.__module__.split(".")[0] in ("shared", "services")]


class TestProblems:
    @pytest.mark.parametrize("problem", PROBLEMS, ids=lambda one: one.__name__)
    def test_has_a_type_a_status_and_a_french_sentence(self, problem: type[Problem]) -> None:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", problem.type)
        assert 400 <= problem.status <= 599
        assert problem.title[0].isupper()
        assert problem.title.endswith(".")
        assert not re.search(r"\b(the|is|not|error|invalid)\b", problem.title, re.IGNORECASE)

    def test_no_two_share_a_type(self) -> None:
        types = [problem.type for problem in PROBLEMS]
        assert sorted(types) == sorted(set(types))

    def test_only_the_unexpected_is_a_500(self) -> None:
        assert [problem for problem in PROBLEMS if problem.status == 500] == [Problem]


class NoTea(Problem):
    """There is none left."""

    type = "no-tea"
    status = 418
    title = "Il n'y a plus de thé."


class TestDocument:
    def test_the_least(self) -> None:
        assert document(NoTea()) == {
            "type": "urn:mednum:problem:no-tea",
            "title": "Il n'y a plus de thé.",
            "status": 418,
        }

    def test_the_most(self) -> None:
        wrong = InvalidField("pot", "empty", "Il est vide.")
        problem = NoTea("Revenez à 16 h.", invalid=[wrong], headers={"Retry-After": "60"}, pots=0)
        assert document(problem) == {
            "type": TYPE_PREFIX + "no-tea",
            "title": "Il n'y a plus de thé.",
            "status": 418,
            "detail": "Revenez à 16 h.",
            "invalid_params": [{"field": "pot", "rule": "empty", "message": "Il est vide."}],
            "pots": 0,
        }
        assert problem.headers == {"Retry-After": "60"}

    def test_it_is_json(self) -> None:
        problem = InvalidInput(invalid=[InvalidField("nom", "missing", "Obligatoire.")])
        assert json.loads(json.dumps(document(problem)))["status"] == 422

    def test_what_is_raised_can_be_read_in_a_log(self) -> None:
        assert str(NoTea()) == "Il n'y a plus de thé."
        assert str(NoTea("Revenez à 16 h.")) == "Revenez à 16 h."


def explained(kind: Any, given: object) -> list[InvalidField]:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_json(json.dumps(given))
    return explain(refused.value.errors())


EDIT = {"base_revision": 1, "changes": {"nom": "a"}}
NEWS = {"titre": "a", "texte": "b"}
CALL = {
    "kind": "skills_call",
    "titre": "a",
    "texte": "b",
    "lien": "https://exemple.fr",
    "help_kind": "job",
    "remote": True,
    "ends_on": "2099-01-01",
}


class TestExplain:
    @pytest.mark.parametrize(
        ("kind", "given", "field", "rule"),
        [
            (EditIn, EDIT | {"base_revision": "1"}, "base_revision", "int_type"),
            (EditIn, EDIT | {"base_revision": 1.5}, "base_revision", "int_type"),
            (EditIn, EDIT | {"base_revision": True}, "base_revision", "int_type"),
            (EditIn, EDIT | {"changes": []}, "changes", "dict_type"),
            (EditIn, EDIT | {"comment": "a" * 2001}, "comment", "string_too_long"),
            (EditIn, EDIT | {"comment": 1}, "comment", "string_type"),
            (EditIn, EDIT | {"author": "moi"}, "author", "extra_forbidden"),
            (EditIn, {"changes": {}}, "base_revision", "missing"),
            (NewsIn, NEWS | {"titre": " "}, "titre", "string_too_short"),
            (NewsIn, NEWS | {"lien": "a" * 2001}, "lien", "string_too_long"),
            (Source, "a/b", "body", "string_pattern_mismatch"),
            (ApprovalIn, SEEN | {"fields": []}, "fields", "too_short"),
            (ApprovalIn, SEEN | {"fields": ["a"] * 33}, "fields", "too_long"),
            (ApprovalIn, SEEN | {"fields": "nom"}, "fields", "list_type"),
            (ApprovalIn, SEEN | {"fields": ["a", 2]}, "fields.1", "string_type"),
            (ApprovalIn, {}, "revision", "missing"),
            (ApprovalIn, {"revision": 0}, "revision", "greater_than_equal"),
            (OpinionIn, {"choice": "maybe"}, "choice", "literal_error"),
            (Call, CALL | {"kind": "party"}, "kind", "literal_error"),
        ],
    )
    def test_names_the_field_and_speaks_french(
        self, kind: Any, given: object, field: str, rule: str
    ) -> None:
        (one,) = explained(kind, given)
        assert (one.field, one.rule) == (field, rule)
        assert one.message == RULES[rule]

    @pytest.mark.parametrize("day", ["bientôt", [1], "2099-01-01T10:00:00", 4_000_000_000])
    def test_a_day_that_is_none_is_said_in_french(self, day: object) -> None:
        (one,) = explained(Call, CALL | {"ends_on": day})
        assert (one.field, one.message) == ("ends_on", "Il faut une date (AAAA-MM-JJ).")

    @pytest.mark.parametrize("lien", ["javascript:alert(1)", "exemple.fr", "", "https://", 5, None])
    def test_a_link_that_is_none_is_said_in_french(self, lien: object) -> None:
        for one in explained(Call, CALL | {"lien": lien}):
            assert one.field == "lien"
            assert one.message in RULES.values() or one.rule in ("value_error", "invalid")
            assert not re.search(r"\b(input|should|value|valid|string)\b", one.message.lower())

    def test_every_wrong_field_is_named(self) -> None:
        wrong = explained(NewsIn, {"titre": "", "texte": 5, "prix": 1})
        assert {one.field for one in wrong} == {"titre", "texte", "prix"}

    @pytest.mark.parametrize("place", [("body",), ("query",), (), ("body", 17)])
    def test_what_is_no_json_has_no_field(self, place: tuple[str | int, ...]) -> None:
        (one,) = explain([{"loc": place, "type": "json_invalid", "msg": "Expecting value"}])
        assert one == InvalidField("body", "json_invalid", "Ce n'est pas du JSON.")

    def test_where_a_value_came_in_is_no_field(self) -> None:
        errors = [
            {"loc": ("query", "limit"), "type": "less_than_equal", "msg": "…"},
            {"loc": ("body", "changes", "nom"), "type": "missing", "msg": "…"},
        ]
        assert [one.field for one in explain(errors)] == ["limit", "changes.nom"]

    def test_a_rule_of_ours_keeps_its_sentence(self) -> None:
        errors = [{"loc": ("a",), "type": "value_error", "msg": "Value error, Il faut du thé."}]
        assert explain(errors) == [InvalidField("a", "value_error", "Il faut du thé.")]

    @pytest.mark.parametrize("rule", RULES)
    def test_every_sentence_is_one(self, rule: str) -> None:
        assert re.fullmatch(r"[A-ZÀÉ].+\.", RULES[rule])
