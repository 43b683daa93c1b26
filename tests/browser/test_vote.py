"""The phones' page, tapped: in a browser as large as a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from blurdash.ui.server.rates import Limit
from blurdash.ui.vote import routes as vote_routes
from blurdash.ui.vote.ballots import Ballot
from tests.vote_server import VoteServer

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PHONE = {"width": 360, "height": 640}


@pytest.fixture(scope="module")
def shared_server() -> Iterator[VoteServer]:
    with VoteServer() as server:
        yield server


@pytest.fixture
def server(shared_server: VoteServer) -> VoteServer:
    shared_server.fresh()
    return shared_server


@pytest.fixture
def ballot(server: VoteServer) -> Ballot:
    return server.room.open_ballot()


@pytest.fixture
def phones(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    yield context
    context.close()


@pytest.fixture
def phone(phones: BrowserContext, server: VoteServer, ballot: Ballot) -> Iterator[Page]:
    """A phone with the ballot's page, open; ends with a look at what went wrong in it."""
    page = phones.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if "Content Security" in m.text else None)
    page.on("request", lambda r: None if r.url.startswith(server.address) else remote(r.url))

    def remote(address: str) -> None:
        if not address.startswith("data:"):
            wrong.append(address)

    page.goto(f"{server.address}/vote/{ballot.code}")
    expect(said(page)).to_have_text("Not voted yet.")
    yield page
    assert wrong == []


def said(page: Page):
    return page.get_by_role("status")


def left(page: Page):
    return page.get_by_role("button", name="A looks sharper")


def right(page: Page):
    return page.get_by_role("button", name="B looks sharper")


@pytest.mark.long
def test_tap_and_change_of_mind(phone: Page, server: VoteServer, ballot: Ballot) -> None:
    expect(phone.get_by_role("heading")).to_have_text("Which picture looks sharper?")
    left(phone).tap()
    expect(said(phone)).to_have_text("Voted: A. You can still change your mind.")
    expect(left(phone)).to_have_attribute("aria-pressed", "true")
    assert server.room.counts(ballot) == (1, 0)
    right(phone).tap()
    expect(said(phone)).to_have_text("Voted: B. You can still change your mind.")
    expect(left(phone)).to_have_attribute("aria-pressed", "false")
    assert server.room.counts(ballot) == (0, 1)


@pytest.mark.long
def test_a_page_loaded_again_is_the_same_voter_and_knows_its_vote(
    phone: Page, server: VoteServer, ballot: Ballot
) -> None:
    left(phone).tap()
    expect(said(phone)).to_have_text("Voted: A. You can still change your mind.")
    phone.reload()
    expect(said(phone)).to_have_text("Voted: A. You can still change your mind.")
    second = phone.context.new_page()
    second.goto(f"{server.address}/vote/{ballot.code.lower()}")
    right(second).tap()
    expect(said(second)).to_have_text("Voted: B. You can still change your mind.")
    assert server.room.counts(ballot) == (0, 1)
    assert phone.context.cookies() == []


@pytest.mark.long
def test_each_ballot_meets_another_voter(phone: Page, server: VoteServer) -> None:
    """Nothing on the phone tells that it was in two meetings."""
    stored = "JSON.parse(localStorage['blurdash-vote'])"
    before = phone.evaluate(stored)
    other = server.room.open_ballot()
    phone.goto(f"{server.address}/vote/{other.code}")
    expect(said(phone)).to_have_text("Not voted yet.")
    after = phone.evaluate(stored)
    assert after["voter"] != before["voter"]
    assert phone.evaluate("Object.keys(localStorage)") == ["blurdash-vote"]


def test_two_phones(phone: Page, browser: Browser, server: VoteServer, ballot: Ballot) -> None:
    context = browser.new_context(viewport=PHONE)
    other = context.new_page()
    other.goto(f"{server.address}/vote/{ballot.code}")
    left(phone).tap()
    right(other).click()
    for page in (phone, other):
        expect(said(page)).to_contain_text("You can still change your mind.")
    assert server.room.counts(ballot) == (1, 1)
    context.close()


@pytest.mark.long
def test_closed_revealed_and_a_new_round(phone: Page, server: VoteServer, ballot: Ballot) -> None:
    right(phone).tap()
    expect(said(phone)).to_contain_text("Voted: B.")
    server.room.cast(ballot.code, "somebody-else", 0)
    server.room.close(ballot)
    expect(said(phone)).to_have_text("The vote is closed. You voted B.")
    expect(left(phone)).to_be_disabled()
    assert phone.locator(".count").all_inner_texts() == ["", ""], "no counts before the reveal"
    server.room.reveal(ballot)
    expect(said(phone)).to_have_text("A 1, B 1. You voted B.")
    assert phone.locator(".count").all_inner_texts() == ["1", "1"]
    server.room.new_round(ballot)
    expect(said(phone)).to_have_text("New pictures: vote again.")
    expect(right(phone)).to_have_attribute("aria-pressed", "false")
    left(phone).tap()
    expect(said(phone)).to_contain_text("Voted: A.")
    assert server.room.counts(ballot) == (1, 0)


@pytest.mark.long
def test_a_tap_on_pictures_that_have_gone_counts_for_none(
    phone: Page, server: VoteServer, ballot: Ballot
) -> None:
    server.room.new_round(ballot)
    left(phone).tap()  # the phone has not heard of it yet
    expect(said(phone)).to_have_text("New pictures: vote again.")
    assert server.room.counts(ballot) == (0, 0)


@pytest.mark.long
def test_a_tap_while_the_pictures_change_counts_for_none(
    phone: Page, server: VoteServer, ballot: Ballot
) -> None:
    """The phone has asked how the ballot stands, and is tapped before it has heard."""
    held: list[Route] = []
    phone.route("**/state", lambda route: held.append(route))
    while not held:
        phone.wait_for_timeout(50)
    left(phone).tap()
    server.room.new_round(ballot)
    held[0].continue_()
    phone.unroute("**/state")
    expect(said(phone)).to_have_text("New pictures: vote again.")
    expect(left(phone)).to_have_attribute("aria-pressed", "false")
    with phone.expect_response("**/state"):  # it has asked again, and voted not
        pass
    assert server.room.counts(ballot) == (0, 0)


@pytest.mark.long
def test_an_ended_vote_and_a_wrong_code(phone: Page, server: VoteServer, ballot: Ballot) -> None:
    server.room.end(ballot)
    gone = phone.get_by_text("There is no such vote, or it is over.")
    expect(gone).to_be_visible()
    expect(left(phone)).to_be_hidden()
    answer = phone.goto(f"{server.address}/vote/CCCCCC")
    assert answer is not None
    assert answer.status == 404
    expect(gone).to_be_visible()
    expect(left(phone)).to_be_hidden()


@pytest.mark.long
def test_nothing_of_the_address_is_shown_or_run(phone: Page, server: VoteServer) -> None:
    mark = "%3Cimg%20src%3Dx%20onerror%3D%22document.title%3D'hit'%22%3E"
    for path in (f"/vote/{mark}", f"/vote/{mark}/state", f"/vote/CCCCCC?{mark}#{mark}"):
        phone.goto(server.address + path)
        phone.wait_for_load_state("networkidle")
        assert phone.title() != "hit"
        assert phone.locator("img").count() == 0
        assert "onerror" not in phone.content()


@pytest.mark.long
def test_what_the_server_says_is_shown_as_text(phones: BrowserContext, server: VoteServer) -> None:
    """Even a server, or what stands between, that answers with markup."""
    page = phones.new_page()
    ballot = server.room.open_ballot()
    mark = "<img src=x onerror=\"document.title='hit'\">"

    def forged(route: Route) -> None:
        fields = {"state": "closed", "round": 1, "counts": [mark, mark]}
        route.fulfill(content_type="application/json", body=json.dumps(fields))

    page.route("**/state", forged)
    page.goto(f"{server.address}/vote/{ballot.code}")
    expect(page.locator(".count").first).to_have_text(mark)
    assert page.locator("img").count() == 0
    assert page.title() != "hit"


@pytest.mark.long
def test_a_flood_is_refused_with_a_message_and_the_vote_follows(
    phone: Page, server: VoteServer, ballot: Ballot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vote_routes, "VOTE_LIMIT", Limit(1, 0.3))
    server.fresh()
    assert server.ask("POST", f"/vote/{ballot.code}", b"{}").status == 400  # uses the one up
    left(phone).tap()
    expect(said(phone)).to_have_text("Too many votes at once. Yours is sent again in a moment…")
    assert server.room.counts(ballot) == (0, 0)
    expect(said(phone)).to_contain_text("Voted: A.", timeout=15_000)
    assert server.room.counts(ballot) == (1, 0)


@pytest.mark.long
def test_a_proxy_that_refuses_in_its_own_words_is_waited_for(
    phone: Page, server: VoteServer, ballot: Ballot
) -> None:
    refusals = iter(range(1))

    def busy(route: Route) -> None:
        if next(refusals, None) is None:
            route.continue_()
        else:
            route.fulfill(status=429, content_type="text/html", body="<b>Too Many Requests</b>")

    phone.route(f"**/vote/{ballot.code}", busy)
    left(phone).tap()
    expect(said(phone)).to_have_text("Too many votes at once. Yours is sent again in a moment…")
    expect(said(phone)).to_contain_text("Voted: A.", timeout=15_000)
    assert server.room.counts(ballot) == (1, 0)


@pytest.mark.long
def test_a_full_vote_says_so(
    phone: Page, server: VoteServer, ballot: Ballot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.room, "_voters_kept", 0)
    left(phone).tap()
    expect(said(phone)).to_have_text("This vote is full: it takes no more phones.")
    expect(left(phone)).to_have_attribute("aria-pressed", "false")


@pytest.mark.long
def test_a_lost_connection_is_said_and_the_vote_follows(
    phone: Page, server: VoteServer, ballot: Ballot
) -> None:
    server.stop()
    right(phone).tap()
    expect(said(phone)).to_have_text("No connection. Trying again…")
    expect(right(phone)).to_have_attribute("aria-pressed", "true")
    server.start()
    expect(said(phone)).to_contain_text("Voted: B.", timeout=25_000)
    assert server.room.counts(ballot) == (0, 1)


@pytest.mark.long
def test_a_phone_without_storage_votes_too(
    phones: BrowserContext, server: VoteServer, ballot: Ballot
) -> None:
    phones.add_init_script(
        "for (const name of ['localStorage', 'sessionStorage'])"
        "  Object.defineProperty(window, name, {get() { throw new DOMException('forbidden') }})"
    )
    page = phones.new_page()
    page.goto(f"{server.address}/vote/{ballot.code}")
    for tapped in (left, right):
        tapped(page).tap()
        expect(tapped(page)).to_have_attribute("aria-pressed", "true")
    expect(said(page)).to_contain_text("Voted: B.")
    assert server.room.counts(ballot) == (0, 1)


@pytest.mark.long
def test_tapped_in_haste_the_last_tap_counts(
    phone: Page, server: VoteServer, ballot: Ballot
) -> None:
    for number in range(9):
        (left, right)[number % 2](phone).tap()
    expect(said(phone)).to_contain_text("Voted: A.", timeout=15_000)
    assert server.room.counts(ballot) == (1, 0)


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(320, 568), (360, 640), (640, 360), (1366, 768)])
def test_it_fits_and_can_be_read(
    browser: Browser, server: VoteServer, ballot: Ballot, scheme: str, size: tuple[int, int]
) -> None:
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(f"{server.address}/vote/{ballot.code}")
    expect(said(page)).to_have_text("Not voted yet.")
    left(page).click()
    expect(said(page)).to_contain_text("Voted: A.")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("document.documentElement.scrollHeight") == height
    for button in (left(page), right(page)):
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 120
    for part in (
        ".question",
        ".hint",
        ".status",
        ".small",
        "button:first-child",
        "button + button",
    ):
        assert page.evaluate(CONTRAST, part) >= 4.5, part
    context.close()


# Contrast after WCAG 2.2: (lighter + 0.05) / (darker + 0.05) of relative luminances.
CONTRAST = """part => {
  const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const element = document.querySelector(part);
  let behind = element;
  const clear = e => /^rgba.*, 0\\)$/.test(getComputedStyle(e).backgroundColor);
  while (clear(behind)) behind = behind.parentElement;
  const [x, y] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]
    .map(numbers).map(light);
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}"""
