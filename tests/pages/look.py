"""Pages in headless Chromium, used by their tests: a browser, clicks, screenshots, and no error in the console.  Exit 77 without one."""
import base64
import os
import sys
import time

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
except ImportError:
    print("skipped: no python3-selenium")
    sys.exit(77)


def check(right, what):
    if not right:
        sys.exit("FAILED: " + what)


class Browser:
    """width below 600: a telephone."""

    def __init__(self, width=1280, height=900, dark=False):
        driver, chromium = "/usr/bin/chromedriver", "/usr/bin/chromium"
        if not (os.path.exists(driver) and os.path.exists(chromium)):
            print("skipped: no chromium or chromium-driver")
            sys.exit(77)
        options = Options()
        options.binary_location = chromium
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=%d,%d" % (width, height)):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.b = webdriver.Chrome(service=Service(driver), options=options)
        self.b.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        self.width = width
        self.b.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.b.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def open(self, page):
        self.b.get(page if "://" in page else "file://" + os.path.abspath(page))
        self.wait("return document.querySelectorAll('section').length > 0", "the page stays empty")

    def times(self):
        """Seconds of opening the page: first paint, document, all of it; and what the page's thread worked for it, which other work on the
        machine does not lengthen."""
        n = self.js("const n = performance.getEntriesByType('navigation')[0], p = performance.getEntriesByName('first-paint')[0];"
                    "return [p ? p.startTime : NaN, n.domInteractive, n.loadEventEnd]")
        work = {m["name"]: m["value"] for m in self.b.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}["TaskDuration"]
        return *(t / 1000 for t in n), work

    def js(self, script, *args):
        return self.b.execute_script(script, *args)

    def all(self, css):
        return self.b.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.b.find_element(By.CSS_SELECTOR, css)

    def text(self, css):
        return [e.text for e in self.all(css)]

    def click(self, css):
        e = self.one(css)
        self.js("arguments[0].scrollIntoView({block: 'center'})", e)
        e.click()

    def drag(self, css, begin, end):
        """From one place of the element to another, as fractions of its width."""
        e = self.one(css)
        self.js("arguments[0].scrollIntoView({block: 'center'})", e)
        w = e.size["width"]
        ActionChains(self.b).move_to_element_with_offset(e, int((begin - 0.5) * w), 0).click_and_hold().move_by_offset(int((end - begin) * w), 0).release().perform()

    def wait(self, script, otherwise, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if self.js(script):
                return
            time.sleep(0.1)
        sys.exit("FAILED: " + otherwise)

    def shot(self, name):
        """The whole page as $SHOTS/NAME.png, if that folder is asked for."""
        folder = os.environ.get("SHOTS")
        if folder:
            size = {"x": 0, "y": 0, "width": self.width, "height": self.js("return document.documentElement.scrollHeight"), "scale": 1}
            data = self.b.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": size})["data"]
            with open(os.path.join(folder, name + ".png"), "wb") as f:
                f.write(base64.b64decode(data))

    def fits(self):
        width = self.js("return document.documentElement.scrollWidth")
        check(width <= self.width, "the page is %d wide on a screen of %d" % (width, self.width))

    def quiet(self):
        log = [e for e in self.b.get_log("browser") if e["level"] == "SEVERE"]
        check(not log, "the console says %s" % log)
        check(not self.all("#errors"), "the page says %s" % self.text("#errors"))

    def close(self):
        self.b.quit()
