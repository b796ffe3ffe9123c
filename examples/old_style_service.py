"""A service that lends out virtual machines, written as services were against astakosclient 0.16 to 0.21.

    ASTAKOS_AUTH_URL=http://127.0.0.1:8000/identity/v2.0 SERVICE_TOKEN=... python old_style_service.py 8080

GET    /machines        the user's own machines
POST   /machines        {"name": ..., "project": ...} starts one; the project may be left out
DELETE /machines/<id>   stops one
POST   /machines/<id>/give   {"to": <user name>} makes it somebody else's
"""

import json
import logging
import os
import sys
from http.cookies import SimpleCookie
from wsgiref.simple_server import make_server

from astakosclient import (
    AstakosClient,
    AstakosClientException,
    errors,
    get_token_from_cookie,
    parse_endpoints,
)

log = logging.getLogger(__name__)

RESOURCE = "compute.vm"
COOKIE_NAME = "_astakos"


class Refusal(Exception):
    def __init__(self, status, message):
        super(Refusal, self).__init__(message)
        self.status = status


class Request(object):
    """As the web framework of those days has it."""

    def __init__(self, environ):
        self.method = environ["REQUEST_METHOD"]
        self.path = environ["PATH_INFO"].strip("/").split("/")
        cookies = SimpleCookie(environ.get("HTTP_COOKIE", ""))
        self.COOKIES = dict((name, morsel.value) for name, morsel in cookies.items())
        self.token = environ.get("HTTP_X_AUTH_TOKEN")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.data = json.loads(environ["wsgi.input"].read(length) or b"{}")


class Hypervisor(object):
    """Where the machines run; it is not always in the mood."""

    def __init__(self):
        self.broken = False
        self.machines = {}

    def start(self, serial, owner, project, name):
        if self.broken:
            raise RuntimeError("The hypervisor does not answer")
        self.machines[serial] = {"id": serial, "owner": owner, "project": project, "name": name}
        return self.machines[serial]


class Machines(object):
    def __init__(self, auth_url, service_token):
        self.auth_url = auth_url
        self.astakos = self.client(service_token)
        self.hypervisor = Hypervisor()

    def client(self, token):
        return AstakosClient(token, self.auth_url, retry=2, use_pool=True, pool_size=2, logger=log)

    def __call__(self, environ, start_response):
        try:
            status, answer = "200 OK", self.answer(Request(environ))
        except Refusal as e:
            status, answer = e.status, {"error": str(e)}
        except errors.QuotaLimit as e:
            log.info("Refused: %s", e.details)
            status, answer = "413 Over Limit", {"error": e.message, "details": e.details}
        except errors.NotFound:
            status, answer = "404 Not Found", {"error": "The project does not lend you machines"}
        except AstakosClientException as e:
            log.error("Astakos failed: %s (status %s)", e.message, e.status)
            status, answer = "503 Service Unavailable", {"error": "Try again later"}
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode("utf-8")]

    def answer(self, request):
        user = self.authenticate(request)
        if request.path == ["machines"] and request.method == "GET":
            return self.list_machines(user)
        if request.path == ["machines"] and request.method == "POST":
            return self.start(user, request.data)
        if len(request.path) == 2 and request.method == "DELETE":
            return self.stop(user, int(request.path[1]))
        if len(request.path) == 3 and request.path[2] == "give":
            return self.give(user, int(request.path[1]), request.data["to"])
        raise Refusal("404 Not Found", "There is nothing here")

    def authenticate(self, request):
        token = request.token or get_token_from_cookie(request, COOKIE_NAME)
        if token is None:
            raise Refusal("401 Unauthorized", "A token is needed")
        client = self.client(token)
        try:
            access = client.authenticate()
        except errors.Unauthorized:
            raise Refusal("401 Unauthorized", "The token is not good")
        return access["access"]["user"]

    def list_machines(self, user):
        own = [m for m in self.hypervisor.machines.values() if m["owner"] == user["id"]]
        names = self.astakos.service_get_usernames([m["owner"] for m in own])
        return [dict(m, owner=names[m["owner"]]) for m in own]

    def start(self, user, data):
        project = data.get("project", user["id"])
        name = data.get("name", "unnamed")
        images = self.image_url()
        serial = self.astakos.issue_one_commission(
            user["id"], {(project, RESOURCE): 1}, name="start %s" % name
        )
        try:
            machine = self.hypervisor.start(serial, user["id"], project, name)
        except RuntimeError as e:
            self.astakos.reject_commission(serial)
            raise Refusal("502 Bad Gateway", str(e))
        try:
            self.astakos.accept_commission(serial)
        except AstakosClientException:
            # It is running all the same; reconcile() will find out.
            log.exception("Commission %s is left for later", serial)
        return dict(machine, images=images)

    def stop(self, user, number):
        machine = self.own_machine(user, number)
        self.astakos.issue_one_commission(
            machine["owner"],
            {(machine["project"], RESOURCE): -1},
            name="stop %s" % machine["name"],
            force=True,
            auto_accept=True,
        )
        del self.hypervisor.machines[number]
        return {}

    def give(self, user, number, username):
        machine = self.own_machine(user, number)
        try:
            receiver = self.astakos.service_get_uuid(username)
        except errors.NoUUID:
            raise Refusal("404 Not Found", "There is no user %s" % username)
        project = machine["project"]
        self.astakos.issue_commission_generic(
            {(machine["owner"], project, RESOURCE): -1, (receiver, project, RESOURCE): 1},
            {},
            name="give %s" % machine["name"],
            auto_accept=True,
        )
        machine["owner"] = receiver
        return machine

    def own_machine(self, user, number):
        machine = self.hypervisor.machines.get(number)
        if machine is None or machine["owner"] != user["id"]:
            raise Refusal("404 Not Found", "You have no machine %s" % number)
        return machine

    def image_url(self):
        found = parse_endpoints(self.astakos.get_endpoints(), ep_type="object-store", ep_version_id="v1")
        return found[0]["endpoints"][0]["publicURL"] + "/images"

    def reconcile(self):
        """Settles what a crash left open; runs when the service starts, and now and then."""
        pending = self.astakos.get_pending_commissions()
        running = [serial for serial in pending if serial in self.hypervisor.machines]
        lost = [serial for serial in pending if serial not in self.hypervisor.machines]
        return self.astakos.resolve_commissions(running, lost)


def main():
    logging.basicConfig(level=logging.INFO)
    service = Machines(os.environ["ASTAKOS_AUTH_URL"], os.environ["SERVICE_TOKEN"])
    service.reconcile()
    with make_server("127.0.0.1", int(sys.argv[1]), service) as server:
        log.info("The machines are at http://127.0.0.1:%s/machines", server.server_port)
        server.serve_forever()


if __name__ == "__main__":
    main()
