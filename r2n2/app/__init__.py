"""A local page in the browser that rebuilds an object while its pictures arrive; needs the extra `app`.

visit.py       what one browser tab has: its shapes, view after view; no web in it
uploads.py     what may come in
page.py        the page: components, and what each event does
downloads.py   the shape in every format
guard.py       what is refused before it reaches the page
server.py      the page and the downloads on this machine's own address
"""

from r2n2.app.server import check_extra, run_app

__all__ = ["check_extra", "run_app"]
