import pytest

from treatments.claims import claim_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("We guarantee a painless cure.", ["guarantee", "painless", "cure"]),
        ("PERMANENT results, guaranteed; 100% pain-free", ["permanent", "guaranteed", "100%", "pain-free"]),
        ("It cures. Cures! cured", ["cures", "cured"]),
        ("A miracle without risk, risk-free", ["miracle", "risk-free"]),
        ("Cura para siempre y sin dolor, garantizado", ["cura", "para siempre", "sin dolor", "garantizado"]),
        ("permanently painlessly", ["permanently", "painlessly"]),
    ],
)
def test_words_that_promise_too_much_are_named_once_each_in_reading_order(text, words):
    assert claim_words([text]) == words


@pytest.mark.parametrize(
    "text", ["", "A secure, accurate and obscure cursor", "Some pain", "1100 points", "Se procura con seguridad"]
)
def test_other_words_are_left_in_peace(text):
    assert claim_words([text]) == []
