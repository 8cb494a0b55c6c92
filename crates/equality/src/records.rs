//! Clicks as records of a stream.

use clickstream::Generator;

/// A record of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// In milliseconds since 1970-01-01T00:00:00Z.
    pub arrival_ms: i64,
    pub data: Vec<u8>,
}

/// Lines that are no clicks, whichever function judges them.
const BAD: &[&str] = &[
    "",
    "\n",
    "  \t \n",
    "no columns",
    r#"{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}"#,
    "Main_Page\tZürich\tlink\n",
    "Main_Page\tZürich\tlink\t3\t4\n",
    "Main_Page\tZürich\tlink\t3\t\n",
    "\tZürich\tlink\t3\n",
    "Main_Page\t\tlink\t3\n",
    "Main_Page\tZürich\tLink\t3\n",
    "Main_Page\tZürich\t\t3\n",
    "Main_Page\tZürich\tlink\t\n",
    "Main_Page\tZürich\tlink\t0\n",
    "Main_Page\tZürich\tlink\t-1\n",
    "Main_Page\tZürich\tlink\t+1\n",
    "Main_Page\tZürich\tlink\t 1\n",
    "Main_Page\tZürich\tlink\t1 \n",
    "Main_Page\tZürich\tlink\t1.0\n",
    "Main_Page\tZürich\tlink\t1e3\n",
    "Main_Page\tZürich\tlink\t١\n",
    "Main_Page\tZürich\tlink\t１\n",
    "Main_Page\tZürich\tlink\t2147483648\n",
    "Main_Page\tZürich\tlink\t00000000001\n",
    "Main_Page\tZürich\tlink\t99999999999999999999\n",
    "Main_Page\tZürich\tlink\t1\r\r\n",
    "Main_Page\tZürich\tlink\r\t1\n",
];

/// Records with clicks in them that are easily misread.
const GOOD: &[&str] = &[
    "Main_Page\tParis,_Texas\tlink\t2\n",
    "Main_Page\t\"Heroes\"_(David_Bowie_album)\tlink\t3\n",
    "Main_Page\t\"\tlink\t3\n",
    "Main_Page\tO'Brien\tother\t1\n",
    "Main_Page\ta\\b\tother\t1\n",
    "Main_Page\t\\\tother\t1\n",
    "Main_Page\t100%_$#;\texternal\t97\n",
    "Main_Page\tNULL\tlink\t1\n",
    "Main_Page\tHeadwater-run-x\tlink\t1\n",
    "NaN\tNaN\tlink\t007\n",
    "Main_Page\t東京\tlink\t2147483647\n",
    "Main_Page\t東京\tlink\t2147483647\n",
    "Main_Page\t😀_(emoji)\tlink\t1\n",
    "Main_Page\tZu\u{308}rich\tlink\t1\n",
    "Main_Page\tZ\u{fc}rich\tlink\t1\n",
    "Main_Page\tzürich\tlink\t1\n",
    "Main_Page\t \tlink\t1\n",
    "Main_Page\tZürich \tlink\t1\n",
    "Main_Page\ta\rb\tlink\t1\n",
    "Main_Page\ta\u{2028}b\u{85}\tlink\t1\n",
    "Main_Page\t\u{0}\tlink\t1\n",
    "Main_Page\t\u{feff}Zürich\tlink\t1\n",
    "Main_Page\t\u{fffd}\tlink\t1\n",
    "Main_Page\tZürich\tlink\t1",
    "Main_Page\tZürich\tlink\t1\r\n",
    "\u{1}\u{2}\tZürich\tlink\t1\n",
    // Several lines, with bad ones between.
    "a\tb\tlink\t1\n\nbad\n  \r\nc\td\tlink\t2\r\ne\tf\tlink\n\tg\tlink\t1\nc\td\tother\t3",
    // Pages that mark a sending, and others that are like them.
    "other-internal\tHeadwater_run_k3v5q2mzta\tother\t1\n",
    "other-internal\tHeadwater_run_k3v5q2mzta\tother\t5\n",
    "other-internal\tHeadwater_run_aaaaaaaaaa\tother\t1\n",
    "Headwater_run_bbbbbbbbbb\tMain_Page\tother\t1\n",
    "other-internal\theadwater_run_cccccccccc\tother\t1\n",
    "other-internal\tThe_Headwater_run_dddddddddd\tother\t1\n",
    "other-internal\tHeadwater\tother\t1\n",
];

/// Clicks over several windows of ten seconds, from a fixed seed, with hostile records among them. Some windows are skipped,
/// and records stand at the very edges of others.
pub fn hostile_clicks() -> Vec<Record> {
    const START_MS: i64 = 1_795_546_800_000; // 2026-11-24T19:00:00Z
    let long = |characters: usize| format!("Main_Page\t{}\tlink\t1\n", "😀".repeat(characters)).into_bytes();
    let mut others: Vec<Vec<u8>> = BAD.iter().chain(GOOD).map(|text| text.as_bytes().to_vec()).collect();
    others.extend([long(512), long(513), long(600)]);
    others.extend([b"Main_Page\tZ\xfcrich\tlink\t5\n".to_vec(), b"a\tb\tlink\t1\n\xff".to_vec(), b"\xc0\x80".to_vec()]);
    let mut others = others.iter().cycle();

    let mut records = Vec::new();
    let mut now = START_MS;
    for (number, click) in Generator::new(42).take(4_000).enumerate() {
        now += match number {
            // Nothing for longer than a window.
            1_000 | 2_500 => 31_000,
            _ => [0, 3, 7, 20, 40, 0][number % 6],
        };
        let mut data = Vec::new();
        click.encode(&mut data);
        records.push(Record { arrival_ms: now, data });
        if number % 5 == 0 {
            records.extend(others.next().map(|data| Record { arrival_ms: now, data: data.clone() }));
        }
    }
    // The last moment of a window and the first of the next.
    for (place, arrival_ms) in [(500, 10_000 - 1), (501, 10_000)] {
        let at = records.partition_point(|record| record.arrival_ms <= START_MS + arrival_ms);
        let data = format!("Main_Page\tEdge_{place}\tlink\t1\n").into_bytes();
        records.insert(at, Record { arrival_ms: START_MS + arrival_ms, data });
    }
    records
}
