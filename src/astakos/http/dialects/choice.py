"""The dialects that a deployment can choose, by their names in its settings."""

from collections.abc import Mapping

from astakos.http.dialects.dialect import Dialect
from astakos.http.dialects.names import NEWEST_NAME, V0_14_NAME
from astakos.http.dialects.newest import NEWEST
from astakos.http.dialects.v0_14 import V0_14

DIALECTS: Mapping[str, Dialect] = {NEWEST_NAME: NEWEST, V0_14_NAME: V0_14}
