"""When two sheets are taken for one venue, and how that is measured."""

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from typer.testing import CliRunner

from services.directory.domain.duplicates import (
    MATCH,
    REVIEW,
    WEIGHTS,
    Likeness,
    blocks,
    compare,
    metres,
)
from services.directory.domain.traits import Traits, traits
from services.directory.duplicates_cli import app
from services.directory.importing.pairs import UnreadablePairs, evaluate
from shared.events import FieldValue

ROOT = Path(__file__).parents[2]
DEDUP = ROOT / os.environ.get("MEDNUM_DATA", "../shared/data") / "dedup"

BASE: dict[str, FieldValue] = {
    "id": "a",
    "pivot": "00000000000000",
    "nom": "France services de Valombre",
    "commune": "Valombre-sur-Orne",
    "code_postal": "61220",
    "code_insee": "61999",
    "adresse": "12 bis avenue du Général de Gaulle",
    "latitude": 48.7001,
    "longitude": -0.4002,
    "telephone": "+33233000102",
    "courriels": ["valombre@france-services.gouv.fr"],
    "date_maj": "2026-01-05",
}


def sheet(**values: FieldValue) -> Traits:
    return traits({name: value for name, value in (BASE | values).items() if value is not None})


def score(one: dict[str, FieldValue], other: dict[str, FieldValue]) -> int:
    return compare(sheet(**one), sheet(**other)).score


SAME: dict[str, tuple[dict[str, FieldValue], dict[str, FieldValue]]] = {
    "as it is": ({}, {}),
    "capitals": ({}, {"nom": "FRANCE SERVICES", "commune": "VALOMBRE SUR ORNE"}),
    "abbreviated": ({}, {"adresse": "12B AV DU GAL DE GAULLE"}),
    "address with the commune": (
        {},
        {"adresse": "12 bis avenue du Général de Gaulle 61220 Valombre-sur-Orne"},
    ),
    "number in a range": ({}, {"adresse": "10-12 avenue du Général de Gaulle"}),
    "address in its complement": (
        {},
        {"adresse": "Maison du Pays", "complement_adresse": "12 bis av. du Général de Gaulle"},
    ),
    "words in another order": ({"nom": "Espace Jules Verne"}, {"nom": "JULES VERNE (espace)"}),
    "no coordinates": ({}, {"latitude": None, "longitude": None}),
    "no address": ({}, {"adresse": "", "telephone": None, "courriels": None}),
    "a wrong point far away": ({}, {"latitude": 49.9, "longitude": 2.1}),
    "moved with the same phone and mail": (
        {},
        {"adresse": "3 place du Marché", "latitude": 48.7030, "longitude": -0.4041},
    ),
    "initials": (
        {"nom": "Communauté de communes Orne et Bocage", "telephone": None},
        {"nom": "CCOB", "telephone": None},
    ),
    "a programme and its host with one mailbox": (
        {"nom": "Mairie de Valombre", "courriels": ["mairie@valombre.fr"]},
        {"courriels": ["mairie@valombre.fr"]},
    ),
}

OTHER: dict[str, tuple[dict[str, FieldValue], dict[str, FieldValue]]] = {
    "library under the same roof": (
        {},
        {"nom": "Médiathèque Simone Veil", "telephone": None, "courriels": None},
    ),
    "library under the same roof that answers the same phone": (
        {"courriels": None},
        {"nom": "Médiathèque de Valombre", "courriels": None},
    ),
    "two associations in one house": (
        {"nom": "Les Petits Débrouillards", "telephone": None, "courriels": None},
        {"nom": "Secours Catholique", "telephone": None, "courriels": None},
    ),
    "one SIRET, two libraries of a commune": (
        {
            "nom": "Médiathèque Les Tilleuls",
            "pivot": "21610999900012",
            "telephone": None,
            "courriels": None,
        },
        {
            "nom": "Médiathèque du Port",
            "pivot": "21610999900012",
            "telephone": None,
            "courriels": None,
            "adresse": "4 quai Sud",
            "latitude": 48.71,
            "longitude": -0.42,
        },
    ),
    "the same name in the next commune": (
        {"nom": "Mairie", "telephone": None, "courriels": None, "adresse": "1 place de la Mairie"},
        {
            "nom": "Mairie",
            "commune": "Saint-Aubin",
            "code_postal": "61221",
            "code_insee": "61998",
            "adresse": "1 place de la Mairie",
            "telephone": None,
            "courriels": None,
            "latitude": 48.73,
            "longitude": -0.45,
        },
    ),
    "a network's number and mail in two communes": (
        {"nom": "Cyber-base", "courriels": ["cyberbases@agglo.fr"]},
        {
            "nom": "Cyber-base",
            "commune": "Flers",
            "code_insee": "61169",
            "code_postal": "61100",
            "courriels": ["cyberbases@agglo.fr"],
            "adresse": "2 rue des Lilas",
            "latitude": 48.75,
            "longitude": -0.57,
        },
    ),
    "two districts of a town": (
        {"nom": "Centre social Nord", "telephone": None, "courriels": None},
        {
            "nom": "Centre social des Rives",
            "telephone": None,
            "courriels": None,
            "adresse": "8 rue de Bretagne",
            "latitude": 48.72,
            "longitude": -0.41,
        },
    ),
}


@pytest.mark.parametrize("case", SAME)
def test_one_venue_written_twice_is_a_match(case: str) -> None:
    assert score(*SAME[case]) >= MATCH


@pytest.mark.parametrize("case", OTHER)
def test_two_venues_are_no_match(case: str) -> None:
    assert score(*OTHER[case]) < MATCH


@pytest.mark.parametrize("case", SAME)
def test_one_venue_shares_a_block(case: str) -> None:
    one, other = SAME[case]
    assert blocks(sheet(**one)) & blocks(sheet(**other))


def test_what_speaks_for_and_against_is_worth_a_look() -> None:
    both = OTHER["library under the same roof that answers the same phone"]
    assert REVIEW <= score(*both) < MATCH


def test_two_sheets_that_say_nothing_are_not_worth_a_look() -> None:
    assert compare(traits({}), traits({})).score < REVIEW


@pytest.mark.parametrize("name", ["telephone", "courriels", "latitude", "adresse", "nom"])
def test_what_a_sheet_does_not_say_speaks_neither_for_nor_against(name: str) -> None:
    without = BASE | {name: None, "longitude": None if name == "latitude" else BASE["longitude"]}
    evidence = compare(sheet(**without), sheet()).evidence
    assert {
        "telephone": "phone_same",
        "courriels": "mail_same",
        "latitude": "point_same",
        "adresse": "door_same",
        "nom": "name_differs",
    }[name] not in evidence
    assert not [level for level in evidence if WEIGHTS[level][0] < 0]


def test_the_reasons_are_said_in_french_the_strongest_first() -> None:
    reasons = compare(sheet(), sheet(adresse="4 rue Basse")).reasons
    assert reasons[0] == "à moins de 50 m"
    assert {"autre voie", "même téléphone", "même courriel"} <= set(reasons)


@given(left=some.sampled_from(sorted(SAME)), right=some.sampled_from(sorted(OTHER)))
def test_the_order_of_two_sheets_does_not_count(left: str, right: str) -> None:
    sheets = [sheet(**values) for values in (*SAME[left], *OTHER[right])]
    for one, other in itertools.combinations(sheets, 2):
        there, back = compare(one, other), compare(other, one)
        assert there.score == back.score
        assert sorted(there.evidence) == sorted(back.evidence)


@given(
    point=some.tuples(some.floats(1, 60), some.floats(-170, 170)),
    north=some.floats(-150, 150),
    east=some.floats(-90, 90),
)
def test_neighbours_share_a_cell(point: tuple[float, float], north: float, east: float) -> None:
    near = (point[0] + north / 111_320, point[1] + east / 111_320)
    cells = [
        {key for key in blocks(traits({"latitude": a, "longitude": b})) if key.startswith("cell ")}
        for a, b in (point, near)
    ]
    assert metres(point, near) < 180
    assert cells[0] & cells[1]


@given(some.dictionaries(some.sampled_from(sorted(BASE)), some.text(max_size=60)))
def test_whatever_is_written_can_be_compared(values: dict[str, str]) -> None:
    likeness = compare(traits(values), sheet())
    assert isinstance(likeness, Likeness)
    assert 0 <= likeness.score <= 100


LEFT = """id;nom;adresse;code_postal;commune;code_insee;lat;lon;telephone;courriel
1;Valombre;12 av du Général de Gaulle;61220;VALOMBRE;61999;48,7001;-0,4002;02 33 00 01 02;
2;Espace Jules Verne;4 quai Sud;61220;VALOMBRE;61999;;;;jules@verne.fr
"""
RIGHT = """id,nom,adresse,code_postal,commune,code_insee,latitude,longitude,telephone,courriels
1,France services de Valombre,12 avenue du Gal de Gaulle,61220,Valombre,61999,48.7001,-0.4002,,
2,Jules Verne,4 quai sud,61220,Valombre,61999,48.71,-0.41,,jules@verne.fr|x@y.fr
3,Médiathèque du Port,9 rue Haute,61220,Valombre,61999,48.72,-0.41,,
"""
PAIRS = "left,right,label\n1,1,match\n2,2,match\n1,3,distinct\n2,3,unsure\n9,9,match\n"


def written(
    folder: Path, left: str = LEFT, right: str = RIGHT, pairs: str = PAIRS
) -> tuple[Path, Path, Path]:
    files = (folder / "left.csv", folder / "right.csv", folder / "pairs.csv")
    for file, text in zip(files, (left, right, pairs), strict=True):
        file.write_text(text)
    return files


def test_an_evaluation_counts_labelled_pairs_by_what_was_found(tmp_path: Path) -> None:
    evaluation = evaluate(*written(tmp_path))
    assert (evaluation.precision, evaluation.recall, evaluation.f1) == (1, 1, 1)
    assert evaluation.count(label=False, found=False) == 1
    assert sum(pair.is_same is None for pair in evaluation.pairs) == 1
    assert evaluation.missing == 1


def test_an_evaluation_can_come_out_badly(tmp_path: Path) -> None:
    pairs = "left,right,label\n1,1,distinct\n2,2,match\n1,3,match\n"
    evaluation = evaluate(*written(tmp_path, pairs=pairs))
    assert (evaluation.precision, evaluation.recall) == (0.5, 0.5)


def test_an_evaluation_reads_windows_files(tmp_path: Path) -> None:
    files = written(tmp_path)
    files[0].write_bytes(LEFT.replace("\n", "\r\n").encode("cp1252"))
    assert evaluate(*files).recall == 1


def test_an_evaluation_says_which_column_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePairs, match=r"pairs\.csv .* label"):
        evaluate(*written(tmp_path, pairs="left,right\n1,1\n"))


def test_the_command_prints_the_figures_and_what_came_out_wrong(tmp_path: Path) -> None:
    pairs = "left,right,label\n1,1,distinct\n2,2,match\n2,3,unsure\n"
    files = [str(one) for one in written(tmp_path, pairs=pairs)]
    answer = CliRunner().invoke(app, ["evaluate", *files, "--errors"])
    assert answer.exit_code == 0
    assert "précision 0.5000, rappel 1.0000, F1 0.6667" in answer.output
    assert "même nom" in answer.output
    missing = CliRunner().invoke(app, ["evaluate", files[0], files[1], files[1]])
    assert (missing.exit_code, "il manque" in missing.output) == (1, True)


@pytest.mark.skipif(not DEDUP.is_dir(), reason="MEDNUM_DATA holds no dedup")
def test_real_pairs_are_told_apart() -> None:
    files = [DEDUP / name for name in ("fs-2021-04.csv", "fs-2022-12.csv")]
    evaluation = evaluate(files[0], files[1], DEDUP / "pairs-france-services.csv")
    assert evaluation.missing == 0
    assert evaluation.precision >= 0.985
    assert evaluation.recall >= 0.97
