"""Where Label Studio is: what the settings name, else the project's own local one."""

from __future__ import annotations

from curation.errors import ProjectError, Unauthorized
from curation.labelstudio import Client
from curation.labelstudio import local_server as local
from curation.settings import Settings


def connect(project: Settings) -> Client:
    """A client for the project's Label Studio: `LABEL_STUDIO_URL` or the project's url, else the running local one.

    Raises:
        ProjectError: no address is set and no local Label Studio runs.
        Unauthorized: an address is set, but no API key.
    """
    running = local.status(project.studio)
    if project.url is None:
        if running is None:
            way_out = "set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY, or run `curation studio start`"
            raise ProjectError("no Label Studio is named and no local one runs", way_out=way_out)
        return Client(running.url, project.api_key.get_secret_value() if project.api_key else running.api_key)
    if project.api_key is not None:
        return Client(project.url, project.api_key.get_secret_value(), verify=str(project.ca) if project.ca else True)
    if running is not None and running.url == project.url:
        return Client(running.url, running.api_key)
    raise Unauthorized(f"{project.url}: no API key; set LABEL_STUDIO_API_KEY (Account & Settings in Label Studio)")
