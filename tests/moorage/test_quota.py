"""``moorage up --quota``: what a simulated Azure is short of."""

import pytest

from moorage.commands.up import quota
from moorage.failure import ExitCode, Failure


def test_quota_is_by_family_and_for_spot():
    assert quota(["NCASv3_T4=8", "spot=0"]) == {"NCASv3_T4": 8, "spot": 0}


@pytest.mark.parametrize("line", ["nonesuch=1", "spot", "spot=many", "spot=-1"])
def test_what_is_no_quota_is_refused_with_the_families_there_are(line):
    with pytest.raises(Failure) as refused:
        quota([line])
    assert refused.value.exit_code is ExitCode.INVALID
    assert "NCASv3_T4" in refused.value.details[0]
