"""What `make mutants` breaks is still there to be broken."""

import pytest

from tests.laws.mutants import MUTANTS, ROOT, Mutant, edited


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_the_code_is_what_the_mutant_was_made_for(mutant: Mutant) -> None:
    for name, text in edited(mutant, ROOT).items():
        compile(text, name, "exec")
