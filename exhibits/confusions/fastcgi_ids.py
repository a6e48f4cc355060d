"""In every FastCGI recording: how many requests its connection carried, under which ids."""

import json
from pathlib import Path

from exhibits.backstage import tapping

for file in sorted(Path("docs/recordings").glob("fastcgi-*.json")):
    links = json.loads(file.read_text())["links"]
    link = next(link for link in links if link["carrier"] == "FastCGI")
    fields = tapping.explain(link)["request"]
    requests = [field for field in fields if field.name == "role"]  # BEGIN_REQUEST has one
    ids = {field.value for field in fields if field.name == "requestId"}
    print(f"{file.stem:18}{len(requests)} request, with the id {', '.join(ids)}")
