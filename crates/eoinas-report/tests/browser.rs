//! The page in a real browser: the cell is drawn, pointing at things shows their values, nothing is wider than a phone,
//! no error on the console. Skipped without Chromium (`EOINAS_CHROMIUM` names another program).
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;
#[path = "common/browser.rs"]
mod driver;

use std::{fs, path::Path, thread::sleep, time::Duration};

use common::{Made, search, training};
use driver::Browser;
use eoinas_report::{Options, write};
use serde_json::json;

/// Pixels of the smallest letters in a plot, as it stands on the screen.
const SMALLEST: &str = "(() => {
    const size = text => {
        const svg = text.ownerSVGElement;
        return parseFloat(text.getAttribute('font-size')) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    };
    return Math.min(...[...document.querySelectorAll('figure:not(.wide) svg text')].map(size));
})()";

/// The first cell of a heat map.
const FIRST_CELL: &str = "(() => {
    const p = document.querySelector('#architecture-weights-normal-cell .picture'), svg = p.querySelector('svg');
    svg.scrollIntoView({block: 'start'});
    p.scrollLeft = 0;
    const b = svg.getBoundingClientRect(), scale = b.width / svg.viewBox.baseVal.width;
    return [b.x + (p.grid.x + 2) * scale, b.y + (p.grid.rows[0][0] + 4) * scale];
})()";

/// What this test does with a page.
trait Pages {
    fn open(&mut self, page: &Path, width: u32);
    fn point_at(&mut self, element: &str) -> String;
    fn point(&mut self, script: &str) -> String;
}

impl Pages for Browser {
    fn open(&mut self, page: &Path, width: u32) {
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        self.call("Page.navigate", json!({ "url": format!("file://{}", page.display()) }));
        for _ in 0..300 {
            if self.evaluate("document.readyState === 'complete' && !!document.querySelector('#tip')") == json!(true) {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        panic!("the page did not load");
    }

    /// Points at the middle of an element; gives what is shown.
    fn point_at(&mut self, element: &str) -> String {
        let script = format!(
            "(() => {{ const e = {element}; e.scrollIntoView({{block: 'center', inline: 'center'}}); \
             const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        );
        self.point(&script)
    }

    /// Points at the place that a script gives; gives what is shown.
    fn point(&mut self, script: &str) -> String {
        let at = self.evaluate(script);
        self.call("Input.dispatchMouseEvent", json!({ "type": "mouseMoved", "x": at[0], "y": at[1] }));
        let tip = "(() => { const t = document.getElementById('tip'); return t.style.display === 'block' ? t.textContent : ''; })()";
        self.evaluate(tip).as_str().unwrap().to_owned()
    }
}

#[test]
fn the_page_in_a_browser() {
    let dir = tempfile::tempdir().unwrap();
    let (run, trials) = (dir.path().join("run"), dir.path().join("trials"));
    fs::create_dir(&run).unwrap();
    search(&run, 6, Made::Whole);
    for seed in [0, 1] {
        let trial = trials.join(format!("seed-{seed}"));
        fs::create_dir_all(&trial).unwrap();
        training(&trial, seed, 3);
    }
    let Some(mut browser) = Browser::start(&dir.path().join("profile")) else {
        println!("skipped: no Chromium (set EOINAS_CHROMIUM to the program)");
        return;
    };
    let page = write(std::slice::from_ref(&run), &Options::default()).unwrap().page;
    for width in [1280, 390] {
        browser.open(&page, width);
        assert_eq!(browser.evaluate("document.querySelectorAll('#cell-normal svg .op').length"), json!(8));
        assert!(
            browser.evaluate("document.querySelector('#cell-normal svg').getBoundingClientRect().height").as_f64()
                > Some(60.0)
        );
        let wide = browser.evaluate("document.documentElement.scrollWidth").as_f64().unwrap();
        assert!(wide <= f64::from(width), "{wide} pixels on a screen of {width}");
        let letters = browser.evaluate(SMALLEST).as_f64().unwrap();
        assert!(letters >= 10.0, "letters of {letters} pixels on a screen of {width}");
        assert_eq!(browser.point_at("document.querySelector('#accuracy .pt')"), "training\nepoch 1: 0.1");
        let op = browser.point_at("document.querySelector('#cell-normal .op')");
        assert!(op.contains(" → ") && op.contains("sep_conv_3x3"), "{op}");
        assert_eq!(browser.point(FIRST_CELL), "c_{k-2} → 0, none\nepoch 1: 0.09335");
        let rows = "(() => { const f = document.querySelector('#architecture-weights-normal-cell details'); f.open = true; return 0; })()";
        browser.evaluate(rows);
        sleep(Duration::from_millis(200));
        let rows = browser.evaluate("document.querySelectorAll('#architecture-weights-normal-cell tr').length");
        assert_eq!(rows, json!(1 + 14 * 8));
    }
    let page =
        write(&[run, trials], &Options { out: Some(dir.path().join("all")), ..Options::default() }).unwrap().page;
    browser.open(&page, 390);
    assert_eq!(browser.evaluate("document.querySelectorAll('article').length"), json!(3));
    assert!(browser.evaluate("document.documentElement.scrollWidth").as_f64() <= Some(390.0));
    assert!(browser.errors.is_empty(), "{:?}", browser.errors);
}
