"""The engine of the tests with one image, made from its Containerfile: files, environment and program are the image's."""

import json
import os
import shlex
import shutil
import sys

from engine_server import Engine


class ImageEngine(Engine):
    """with ImageEngine(NAME, FOLDER OF THE CONTAINERFILE, SOCKET) as engine: engine.url is its address."""

    def __init__(self, name, folder, path):
        super().__init__(path=str(path))
        self.images = {f"{name}:latest": {"Os": "linux"}}
        self.files, self.env, self.entrypoint = [], [], None
        with open(os.path.join(folder, "Containerfile"), encoding="utf-8") as lines:
            for word, _, rest in (line.strip().partition(" ") for line in lines):
                if word == "COPY":
                    file, target = shlex.split(rest)
                    assert target == "."
                    self.files.append(os.path.join(folder, file))
                elif word == "ENV":
                    self.env.append(rest)
                elif word == "ENTRYPOINT":
                    self.entrypoint = [sys.executable if w == "python" else w for w in json.loads(rest)]

    def create(self, query, body):
        body["asked"] = list(body["Env"])
        body["Env"] = self.env + body["Env"]
        body["Entrypoint"] = body.get("Entrypoint") or self.entrypoint
        body["Cmd"] = body.get("Cmd") or []
        status, said = super().create(query, body)
        for file in self.files if status == 201 else []:
            shutil.copy(file, self.all[-1].folder)
        return status, said

    def close(self):
        super().close()
        for container in self.all:
            shutil.rmtree(container.folder, ignore_errors=True)
