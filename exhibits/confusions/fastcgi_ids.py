"""In every FastCGI recording of nginx: how many requests its connection had, and which ids."""

import json
from pathlib import Path

from exhibits import journey

for file in sorted(Path("docs/recordings").glob("fastcgi-*.json")):
    links = json.loads(file.read_text())["links"]
    for link in links:
        if link["carrier"] == "FastCGI" and link["between"][0] == "nginx":
            fields = journey.explain(link)["request"]
            requests = [field for field in fields if field.name == "role"]  # of BEGIN_REQUEST
            ids = {field.value for field in fields if field.name == "requestId"}
            count = journey.counted(len(requests), "request")
            print(f"{file.stem:18}{count}, with the id {', '.join(sorted(ids))}")
