"""A local page in the browser that rebuilds an object while its pictures arrive; needs the extra `app`.

visit.py       the state of one browser tab: its shape after each view; no web code
uploads.py     limits on what may be uploaded
page.py        the page: its components, and what each event does
downloads.py   the shape in every format
guard.py       requests that are refused before they reach the page
server.py      serves the page and the downloads on this machine's own address
"""

from r2n2.app.server import check_extra, run_app

__all__ = ["check_extra", "run_app"]
