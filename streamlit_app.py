"""The dashboard: ``streamlit run streamlit_app.py``.

Streamlit reads this file twice. Imported, it is the server: the pages, and beside them the routes
that phones vote at and that browsers get recognisers from. Run as a script, once per visitor and
interaction, it draws the page.
"""

import streamlit as st

if __name__ == "__main__":
    from blurdash.page_file import page_file
    from blurdash.ui.app import run

    run(page_file)
else:
    from starlette.middleware import Middleware

    from blurdash.ui.server.gatekeeper import Gatekeeper
    from blurdash.ui.server.memory import prepare_memory
    from blurdash.ui.server.networks import network_routes
    from blurdash.ui.server.prompt_socket import PromptSocket
    from blurdash.ui.server.recogniser import offer_own
    from blurdash.ui.vote.routes import vote_routes

    prepare_memory()
    base_path = st.get_option("server.baseUrlPath")
    offer_own()  # read now, so that no visitor waits for it
    app = st.App(
        __file__,
        routes=[*vote_routes(base_path), *network_routes(base_path)],
        middleware=[Middleware(PromptSocket), Middleware(Gatekeeper)],
    )
