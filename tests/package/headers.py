"""headers.py PREFIX: whether an installed header finds every header of ours that it includes. A line for each that does not."""

import pathlib
import re
import sys

include = pathlib.Path(sys.argv[1]) / "include"
headers = sorted(include.glob("switchboard/**/*.hpp"))
missing = [
    f"{header.relative_to(include)} includes <{name}>, which is not installed"
    for header in headers
    for name in re.findall(r"^#include <(switchboard/[^>]+)>", header.read_text(encoding="utf-8"), re.MULTILINE)
    if not (include / name).is_file()
]
print("\n".join(missing or [f"{len(headers)} headers"]))
sys.exit(bool(missing) or not headers)
