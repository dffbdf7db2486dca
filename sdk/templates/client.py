"""The CloudMastersHub API.

    hub = Client("https://hub.example.com", token=os.environ["CMH_TOKEN"])
    for course in hub.all_courses(level="beginner"):
        print(course["title"])

Nothing is ever sent to another host: redirects are not followed.
"""

import email.utils
import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any, Callable, Dict, Generic, Iterator, List, Literal, NotRequired, Optional, TypedDict, TypeVar, Union

T = TypeVar("T")

MAX_ANSWER = 16 << 20
MAX_EXPORT = 512 << 20


class APIError(Exception):
    """What the hub refused with; its status is 0 when it could not be reached.

    Switch on code, show str(err); problem is all that the hub said.
    """

    def __init__(self, status: int, message: str, problem: Optional[Dict[str, Any]] = None, retry_after: Optional[float] = None):
        super().__init__(message)
        self.status = status
        self.problem = problem or {}
        self.code: str = self.problem.get("code", "unavailable" if status == 0 else "internal")
        self.retry_after = retry_after


class Page(Generic[T]):
    """Some of a list. next is the cursor of the page behind it, or None."""

    def __init__(self, items: List[T], next: Optional[str]):
        self.items = items
        self.next = next

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _segment(text: str) -> str:
    return "-" if text in ("", ".", "..") else urllib.parse.quote(text, safe="")


def _key() -> str:
    return str(uuid.uuid4())


def _retry_after(value: Optional[str]) -> Optional[float]:
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(min(int(value[:10]), 1 << 31))
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


class _Base:
    def __init__(
        self,
        base_url: str,
        token: Optional[str] = None,
        refresh_token: Optional[str] = None,
        on_tokens: Optional[Callable[[str, str], None]] = None,
        tries: int = 4,
        max_wait: float = 15,
        timeout: float = 120,
    ):
        url = urllib.parse.urlsplit(base_url)
        local = url.hostname in ("localhost", "127.0.0.1", "::1")
        if not url.hostname or url.username or url.query or url.fragment or not (url.scheme == "https" or url.scheme == "http" and local):
            raise ValueError("base_url must look like https://hub.example.com")
        self._base = base_url.rstrip("/").removesuffix("/v1").removesuffix("/api")
        self._token = token
        self._refresh = refresh_token
        self._on_tokens = on_tokens
        self._tries = tries
        self._max_wait = max_wait
        self._timeout = timeout
        self._renewing = threading.Lock()
        self._opener = urllib.request.build_opener(_Stay)

    def sign_in(self, email: str, password: str) -> "Login":
        """Asks for tokens, and uses them from now on."""
        login = self._ask("POST", "/v1/auth/login", body={"email": email, "password": password}, kind="application/json", answer="json")
        self._keep(login)
        return login

    def _keep(self, tokens: Dict[str, Any]) -> None:
        self._token, self._refresh = tokens["access_token"], tokens["refresh_token"]
        if self._on_tokens:
            self._on_tokens(self._token, self._refresh)

    def _renew(self, used: str) -> bool:
        with self._renewing:
            if self._token != used:
                return self._token is not None  # another thread was faster
            if not self._refresh:
                return False
            try:
                self._keep(self._ask("POST", "/v1/auth/refresh", body={"refresh_token": self._refresh}, kind="application/json", repeat=True, answer="json"))
                return True
            except APIError as err:
                if err.status != 401:
                    raise
                self._token = self._refresh = None
                return False

    def _page(self, *args: Any, **how: Any) -> Any:
        headers: Dict[str, str] = {}
        items = self._ask(*args, heard=headers, **how)
        following = None
        for part in headers.get("link", "").split(","):
            target, _, params = part.strip().partition(">")
            if target.startswith("<") and 'rel="next"' in params:
                following = urllib.parse.parse_qs(urllib.parse.urlsplit(target[1:]).query).get("cursor", [None])[0]
        return Page(items, following)

    def _pages(self, ask: Callable[[Optional[str]], Any]) -> Iterator[Any]:
        cursor = None
        while True:
            page = ask(cursor)
            yield from page.items
            if not page.next:
                return
            cursor = page.next

    def _stream(self, path: str, after: int) -> Iterator[Any]:
        while True:
            answer = self._ask("GET", path, answer="stream", extra={"Last-Event-ID": str(after), "Accept": "text/event-stream, application/problem+json"})
            if answer is None:
                return
            with answer:
                try:
                    while line := answer.readline(1 << 20):
                        if line.startswith(b"data: "):
                            event = json.loads(line[6:])
                            after = event["id"]
                            yield event
                except (OSError, http.client.HTTPException):
                    pass  # comes back below
            time.sleep(1)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        answer: str,
        body: Any = None,
        kind: str = "",
        query: Optional[Dict[str, Any]] = None,
        key: Optional[str] = None,
        repeat: bool = False,
        extra: Optional[Dict[str, str]] = None,
        heard: Optional[Dict[str, str]] = None,
    ) -> Any:
        guest = path.startswith("/v1/auth/") and path != "/v1/auth/device/approval"
        repeatable = method != "POST" or key is not None or repeat
        renewed, tried = False, 1
        while True:
            token = None if guest else self._token
            try:
                return self._once(method, path, answer, body, kind, query, key, token, extra, heard)
            except APIError as err:
                if err.status == 401 and token and not renewed and self._renew(token):
                    renewed = True
                    continue
                wait = 0.2 * tried if err.status == 0 else err.retry_after
                polite = err.status in (0, 429, 503)
                if not polite or not repeatable or tried >= self._tries or wait is None or wait > self._max_wait or err.problem.get("place"):
                    raise
            time.sleep(wait + random.random() * wait / 4)
            tried += 1

    def _once(self, method: str, path: str, answer: str, body: Any, kind: str, query: Any, key: Any, token: Any, extra: Any, heard: Any) -> Any:
        url = self._base + path
        given = {name: (str(value).lower() if isinstance(value, bool) else str(value)) for name, value in (query or {}).items() if value is not None}
        if given:
            url += "?" + urllib.parse.urlencode(given)
        request = urllib.request.Request(url, method=method, headers={"Accept": "application/json, application/problem+json, */*;q=0.1", **(extra or {})})
        if token:
            request.add_unredirected_header("Authorization", "Bearer " + token)
        if key:
            request.add_header("Idempotency-Key", key)
        if body is not None:
            request.add_header("Content-Type", kind)
            request.data = body if kind != "application/json" else json.dumps(body).encode()
        try:
            response = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as err:
            with err:
                raise self._refusal(err) from None
        except (OSError, http.client.HTTPException) as err:
            raise APIError(0, f"The hub at {self._base} could not be reached: {err}") from err
        if heard is not None:
            heard.update({name.lower(): value for name, value in response.headers.items()})
        if response.status == 204:
            response.close()
            return None
        if answer == "stream":
            return response
        with response:
            if answer == "none":
                return None
            most = MAX_EXPORT if path.endswith("/export") else MAX_ANSWER
            try:
                text = response.read(most + 1)
            except (OSError, http.client.HTTPException) as err:
                raise APIError(0, f"The answer of the hub broke off: {err}") from err
            if len(text) > most:
                raise APIError(502, "The hub gave an answer that is too large.")
            if answer == "text":
                return text.decode("utf-8", "replace")
            try:
                return json.loads(text)
            except ValueError as err:
                raise APIError(502, "The hub gave an answer that is no JSON.") from err

    @staticmethod
    def _refusal(err: urllib.error.HTTPError) -> APIError:
        problem = None
        if err.headers.get_content_type() == "application/problem+json":
            try:
                problem = json.loads(err.read(1 << 20))
            except (OSError, ValueError, http.client.HTTPException):
                pass
        if not isinstance(problem, dict):
            problem = None
        message = str((problem or {}).get("detail") or f"The hub answered {err.code}.")
        return APIError(err.code, message, problem, _retry_after(err.headers.get("Retry-After")))
