"""A learning platform on loopback, out of the library lti1p3platform. Told the tool's address; prints its own.

What counts is done by the library: logging in, signing launches, verifying answers and assertions, tokens, grades.
Here are only the addresses, and dictionaries in the place of a database.
"""

import html
import sys
from itertools import count

from flask import Flask, Response, jsonify, redirect, request
from jwcrypto.jwk import JWK
from jwt.exceptions import PyJWTError
from lti1p3platform.exceptions import LineItemNotFoundException, LtiException
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.membership import Context
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request
from lti1p3platform.response import generate_next_link
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService, NamesRoleProvisioningService
from werkzeug.serving import make_server

TOOL = sys.argv[1].rstrip("/")
MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
PEOPLE = {
    "ada": {"name": "Ada Lovelace", "email": "ada@school.example", "roles": [f"{MEMBERSHIP}#Learner"]},
    "grace": {"name": "Grace Hopper", "email": "grace@school.example", "roles": [f"{MEMBERSHIP}#Instructor"]},
    "alan": {"name": "Alan Turing", "email": "alan@school.example", "roles": [f"{MEMBERSHIP}#Learner"]},
    "tess": {
        "name": "Tess",
        "email": "tess@school.example",
        "roles": [f"{MEMBERSHIP}#Instructor", "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"],
    },
    "max": {"name": "Max", "email": "max@school.example", "roles": [f"{MEMBERSHIP}#Mentor"]},
    "una": {"name": "", "email": "", "roles": [f"{MEMBERSHIP}#Learner"]},
}
PAGE = 2

app = Flask(__name__)
server = make_server("127.0.0.1", 0, app, threaded=True)
HERE = f"http://127.0.0.1:{server.server_port}"
KEY = JWK.generate(kty="RSA", size=2048)

line_items = {}
scores = {}
numbers = count(1)
chosen = []


class Configuration(LTI1P3PlatformConfAbstract):
    def init_platform_config(self):
        self._registration = (
            Registration()
            .set_iss(HERE)
            .set_client_id("headwater")
            .set_deployment_id("deployment-1")
            .set_launch_url(f"{TOOL}/labs/clicks")
            .set_deeplink_launch_url(f"{TOOL}/lti/deep-link")
            .set_oidc_login_url(f"{TOOL}/lti/login")
            .set_tool_key_set_url(f"{TOOL}/lti/keys")
            .set_platform_public_key(KEY.export_to_pem().decode())
            .set_platform_private_key(KEY.export_to_pem(private_key=True, password=None).decode())
        )

    def get_registration_by_params(self, **_):
        return self._registration


class FlaskRequest(Request):
    def build_metadata(self, request):
        query = {name: int(value) if value.isdigit() else value for name, value in request.args.items()}
        return {
            "method": request.method,
            "form_data": request.form.to_dict(),
            "get_data": query,
            "headers": request.headers,
            "content_type": request.content_type,
            "path": request.path,
            "json": request.get_json(force=True, silent=True),
        }


class Login(OIDCLoginAbstract):
    def set_lti_message_hint(self, message):
        self._lti_message_hint = message

    def get_redirect(self, url):
        return redirect(url)


class Launch(LTIAdvantageMessageLaunchAbstract):
    def prepare_launch(self, preflight_response):
        user = preflight_response["login_hint"]
        person = PEOPLE[user]
        self.set_user_data(user, person["roles"], person["name"], person["email"])
        self.set_launch_context_claim("course-1", context_title="Data engineering", context_label="DE")
        self.set_launch_presentation_claim("window", f"{HERE}/course")
        # "deep", or "link", which may be followed by custom parameters: "link;class=1;lab=2".
        kind, *custom = preflight_response["lti_message_hint"].split(";")
        if kind == "deep":
            self.set_dl(f"{HERE}/deep-link-return", extra_data={"csrf": "kept"})
        else:
            self.set_resource_link_claim("link-1", title="Clicks")
            self.set_custom_parameters_claim(dict(pair.split("=") for pair in custom) or {"lab": "clicks"})
            self.set_ags(f"{HERE}/lineitems")
            self.set_nrps(f"{HERE}/members")

    def render_launch_form(self, launch_data):
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(launch_data[name])}">'
            for name in ("state", "id_token")
        )
        return f'<form method="post" action="{html.escape(launch_data["launch_url"])}">{fields}</form>'


def page_of(entries, page):
    begin = (page - 1) * PAGE
    return {"content": entries[begin : begin + PAGE], "has_next": begin + PAGE < len(entries)}


class Grades(AssignmentsGradesService):
    def find_lineitems(self, page=1, limit=None, line_item_id=None, resource_link_id=None, resource_id=None, tag=None):
        return page_of([item for item in line_items.values() if tag is None or item.get("tag") == tag], page)

    def find_lineitem(self, line_item_id):
        if line_item_id not in line_items:
            raise LineItemNotFoundException
        return line_items[line_item_id]

    def create_lineitem(self, creation_data):
        number = str(next(numbers))
        line_items[number] = {**creation_data, "id": f"{HERE}/lineitems/{number}"}
        return line_items[number]

    def update_lineitem(self, update_data):
        raise NotImplementedError

    def delete_lineitem(self, line_item_id):
        raise NotImplementedError

    def update_score(self, line_item_id, score):
        self.find_lineitem(line_item_id)
        of_item = scores.setdefault(line_item_id, {})
        known = of_item.get(score["userId"])
        if known and known["timestamp"] >= score["timestamp"]:
            return UpdateScoreStatus.OLD_TIMESTAMP
        of_item[score["userId"]] = score
        return UpdateScoreStatus.SUCCESS if known else UpdateScoreStatus.CREATED

    def get_results(self, line_item_id, page=1, limit=None, user_id=None):
        raise NotImplementedError


class Members(NamesRoleProvisioningService):
    def get_member_data_page(self, page=1, limit=None, role=None, since=None):
        return page_of([{"user_id": user, **person} for user, person in PEOPLE.items()], page)

    def get_context_by_id(self):
        return Context(id="course-1", label="DE", title="Data engineering")


def answer(response, body=None, following=None):
    headers = {"Link": generate_next_link(following)} if following else {}
    if response.code >= 400 or response.code == 204:
        return Response(response.message, response.code, headers)
    answered = jsonify(response.result if body is None else body)
    answered.status_code, answered.content_type = response.code, response.media_type
    answered.headers.update(headers)
    return answered


@app.errorhandler(PyJWTError)
@app.errorhandler(LtiException)
def not_verified(error):
    return jsonify(error="invalid_client", error_description=str(error)), 401


@app.get("/jwks")
def jwks():
    return jsonify(Configuration().get_jwks())


@app.get("/start/<message>/<user>")
def start(message, user):
    login = Login(request, Configuration())
    login.set_lti_message_hint(message)
    if message == "deep":
        login.set_deeplinking_launch_url()
    return login.initiate_login(user)


@app.get("/auth")
def auth():
    return Launch(FlaskRequest(request), Configuration()).lti_launch()


@app.post("/deep-link-return")
def deep_link_return():
    chosen.extend(Configuration().validate_deeplinking_resp(request.form.to_dict()))
    return jsonify(chosen)


@app.post("/token")
def token():
    return jsonify(Configuration().get_access_token(request.form.to_dict()))


def grades():
    return Grades(FlaskRequest(request), Configuration(), f"{HERE}/lineitems")


@app.get("/lineitems")
def get_line_items():
    service = grades()
    response = service.handle_resp(service.handle_get_lineitems)
    result = response.result or {}
    return answer(response, result.get("content"), result.get("next"))


@app.post("/lineitems")
def create_line_item():
    service = grades()
    return answer(service.handle_resp(service.handle_create_lineitem))


@app.post("/lineitems/<number>/scores")
def post_score(number):
    service = grades()
    response = service.handle_resp(service.handle_update_score, line_item_id=number)
    return Response(response.message, response.code)


@app.get("/members")
def members():
    service = Members(FlaskRequest(request), Configuration(), f"{HERE}/members")
    # The library tells the next page only to those who ask for a number of entries.
    service.request.get_data.setdefault("limit", PAGE)
    response = service.handle_resp(service.handle_get_members)
    return answer(response, None, (response.result or {}).get("next"))


@app.get("/gradebook")
def gradebook():
    """What the platform has; for the test alone."""
    return jsonify(
        {
            item["resourceId"]: {"label": item["label"], "maximum": item["scoreMaximum"], "scores": scores.get(number, {})}
            for number, item in line_items.items()
        }
    )


print(HERE, flush=True)
server.serve_forever()
