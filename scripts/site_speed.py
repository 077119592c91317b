"""Measure how long pages of the website take on a slow phone, beside an older build.

    python scripts/site_speed.py --before old/_build/html --after _build/html

Chromium loads each page with an empty cache, with the network and the processor of the DevTools'
protocol held down. A server on this machine compresses text as static hosts do (gzip level 6);
"bytes" are what went over the wire, headers included. "load" is when the page's load event ended,
"ready" when its formulas stood as well. Both builds take turns, so that a busy moment hits both.
Needs playwright and a Chromium or Chrome; nothing in the tests looks at a clock.
"""

import argparse
import gzip
import json
import os
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from browsing.programs import NoBrowser, opened_browser
from browsing.serving import QuietHandler, served
from measurements.machine import commit, processor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "site_speed.json"
PAGES = {
    "index": "index.html",
    "chapter 4": "chapters/04_hugging_face.html",
    "chapter 2": "chapters/02_bert_architecture.html",
    "search": "search.html?q=词元",
}
# Goals of the course: bytes at most, and the share of the older build's time to load.
GOALS = {
    "index": (165_000, 0.30),
    "chapter 4": (200_000, 0.40),
    "chapter 2": (520_000, 0.55),
}
BITS_PER_SECOND = 1_600_000
LATENCY_MS = 150
SLOWDOWN = 4
COMPRESSED = {".html", ".css", ".js", ".json", ".svg", ".xml", ".txt", ".mjs"}
WATCH_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({type: "layout-shift", buffered: true});
"""


class CompressingHandler(QuietHandler):
    """Sends files as static hosts do: text gzipped, connections kept open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send a file, text gzipped."""
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in COMPRESSED:
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def load_once(browser: "Browser", address: str) -> dict[str, float]:
    """One load with nothing in the cache.

    Returns:
        bytes: over the wire; load_s and ready_s: seconds; cls: cumulative layout shift, also
        while the page is scrolled to its end; requests: their number.
    """
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.add_init_script(WATCH_SHIFTS)
    protocol = context.new_cdp_session(page)
    protocol.send("Network.enable")
    protocol.send("Network.setCacheDisabled", {"cacheDisabled": True})
    rate = BITS_PER_SECOND / 8
    protocol.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": rate,
            "uploadThroughput": rate,
        },
    )
    protocol.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    received = []
    protocol.on(
        "Network.loadingFinished", lambda event: received.append(event["encodedDataLength"])
    )
    page.goto(address, wait_until="load")
    load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    page.evaluate("window.MathJax?.startup?.promise")
    ready = page.evaluate("performance.now()")
    page.wait_for_load_state("networkidle")
    end = page.evaluate("document.documentElement.scrollHeight")
    for place in range(0, min(end, 20_000), 800):
        page.evaluate(f"scrollTo(0, {place})")
        page.wait_for_timeout(30)
    result = {
        "bytes": sum(received),
        "requests": len(received),
        "load_s": load / 1000,
        "ready_s": ready / 1000,
        "cls": page.evaluate("window.shifts"),
    }
    context.close()
    return result


def middle(runs: list[dict[str, float]]) -> dict[str, float]:
    """The median of each measure; of the layout shift the worst."""
    found = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    found["cls"] = max(run["cls"] for run in runs)
    return {
        name: int(value) if name in ("bytes", "requests") else round(value, 3)
        for name, value in found.items()
    }


def measure(sites: dict[str, Path], times: int) -> dict:
    """Loads every page of every site `times` times, the sites taking turns."""
    with opened_browser() as browser:
        rows = {}
        for name, path in PAGES.items():
            runs = {which: [] for which in sites}
            for _ in range(times):
                for which, folder in sites.items():
                    with served(folder, CompressingHandler) as address:
                        runs[which].append(load_once(browser, f"{address}/{path}"))
            rows[name] = {which: middle(each) for which, each in runs.items()}
            if "before" in rows[name]:
                old, new = rows[name]["before"], rows[name]["after"]
                rows[name]["load_ratio"] = round(new["load_s"] / old["load_s"], 3)
                rows[name]["bytes_ratio"] = round(new["bytes"] / old["bytes"], 3)
            print(name, json.dumps(rows[name]), flush=True)
        return {"rows": rows, "browser": browser.version}


def missed(rows: dict) -> list[str]:
    """The goals that were not reached."""
    found = []
    for name, (heaviest, slowest) in GOALS.items():
        row = rows[name]
        if row["after"]["bytes"] > heaviest:
            found.append(f"{name}: {row['after']['bytes']:,} bytes, {heaviest:,} at most")
        if row.get("load_ratio", 0) > slowest:
            found.append(f"{name}: {row['load_ratio']} of the older time, {slowest} at most")
    shifts = {name: row["after"]["cls"] for name, row in rows.items()}
    return found + [f"{name}: layout shift {cls}" for name, cls in shifts.items() if cls >= 0.05]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--after", type=Path, default=ROOT / "_build" / "html", help="built site")
    parser.add_argument("--before", type=Path, help="an older build to compare with")
    parser.add_argument("--before-commit", default="14a287f", help="what that was built from")
    parser.add_argument("--times", type=int, default=3, help="loads of each page")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    sites = {"before": arguments.before} if arguments.before else {}
    sites["after"] = arguments.after
    for folder in sites.values():
        if not (folder / "index.html").exists():
            print(f"error: no site in {folder}; run `make book` first", file=sys.stderr)
            return 1
    try:
        found = measure(sites, arguments.times)
    except NoBrowser as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    record = {
        "command": "python scripts/site_speed.py --before OLD/_build/html",
        "commit": commit(),
        "before_commit": arguments.before_commit if arguments.before else None,
        "hardware": f"{processor()}, {os.cpu_count()} cores",
        "browser": f"Chromium {found['browser']}, headless, 390 px",
        "network": f"{BITS_PER_SECOND / 1e6} Mbit/s, {LATENCY_MS} ms, HTTP/1.1, gzip level 6",
        "processor": f"{SLOWDOWN} times slowed",
        "loads": arguments.times,
        "rows": found["rows"],
    }
    arguments.output.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    wrong = missed(found["rows"])
    print("\n".join(wrong) or "all goals reached")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
