//! The lab's Flink SQL in real Flink, run by the lab's own program. The streams are files here; all else is as shipped.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::counts::{Counts, ResultRow, collect};
use crate::python;
use crate::records::Record;
use crate::shipped;

/// Stands for a line feed inside a record, as a file has one record a line.
const LINE_FEED: u8 = 0x1e;
/// Far more than a job takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lab's Flink SQL, for windows of this length.
pub fn sql_of_the_lab(window_seconds: u32) -> String {
    shipped::with_names(shipped::FLINK_SQL, window_seconds)
}

/// What this SQL counts of these records. They are all there when it starts, and nothing comes after them.
pub fn count(sql: &str, records: &[Record], window_seconds: u32) -> anyhow::Result<Counts> {
    let mut job = Job::start(sql, records, Ending::AfterTheLast)?;
    job.wait()?;
    collect(job.rows()?, window_seconds)
}

/// How records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Flink knows that the last record was the last.
    AfterTheLast,
    /// More could come at any time, as from a stream.
    Never,
}

/// A running job. It ends when this is dropped.
pub struct Job {
    process: Child,
    folder: TempDir,
}

impl Job {
    /// Starts the lab's program with this SQL in its place.
    pub fn start(sql: &str, records: &[Record], ending: Ending) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (input, output) = (folder.path().join("input"), folder.path().join("output"));
        fs::create_dir(&input)?;
        fs::write(input.join("records"), in_lines(records)?)?;
        let program = python::write(folder.path(), "main.py", shipped::FLINK_PROGRAM)?;
        python::write(folder.path(), "window_counts.sql", &with_files(sql, &input, &output, ending)?)?;
        let errors = fs::File::create(folder.path().join("errors"))?;
        let mut command = python::command("run_flink.py");
        command.arg(flink()?).arg(program).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(errors);
        Ok(Self { process: command.spawn().context("python3 must be on PATH")?, folder })
    }

    /// Waits until the job has ended well.
    pub fn wait(&mut self) -> anyhow::Result<()> {
        self.wait_until(|job| Ok(job.process.try_wait()?.is_some()))?;
        ensure!(self.process.wait()?.success(), "the job failed: {}", self.errors());
        Ok(())
    }

    /// Waits until the rows that the job has given out are as wanted, and gives these.
    pub fn wait_for_rows(&mut self, wanted: impl Fn(&[ResultRow]) -> bool) -> anyhow::Result<Vec<ResultRow>> {
        self.wait_until(|job| {
            ensure!(job.process.try_wait()?.is_none(), "the job ended: {}", job.errors());
            Ok(wanted(&job.rows()?))
        })?;
        self.rows()
    }

    fn wait_until(&mut self, mut is_so: impl FnMut(&mut Self) -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let started = Instant::now();
        while !is_so(self)? {
            let rows = self.rows()?.len();
            ensure!(started.elapsed() < PATIENCE, "the job takes too long; {rows} rows so far; {}", self.errors());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What the job has given out so far. Files that are not complete have a name that begins with a dot.
    fn rows(&self) -> anyhow::Result<Vec<ResultRow>> {
        let Ok(files) = fs::read_dir(self.folder.path().join("output")) else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        for file in files {
            let file = file?;
            if !file.file_name().to_string_lossy().starts_with('.') {
                let text = fs::read_to_string(file.path())?;
                for line in text.lines() {
                    rows.push(serde_json::from_str(line).with_context(|| line.to_owned())?);
                }
            }
        }
        Ok(rows)
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.folder.path().join("errors")).unwrap_or_default()
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // Without its input it ends Flink and then itself.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The folder with Flink's JAR files, as set-up makes it.
fn flink() -> anyhow::Result<PathBuf> {
    let cache = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?;
        Some(cache.join("headwater/flink"))
    };
    let folder = std::env::var_os("HEADWATER_FLINK").map(PathBuf::from).or_else(cache).context("HOME is not set")?;
    ensure!(folder.join("lib").is_dir(), "{}: Flink is missing; scripts/setup.sh test gets it", folder.display());
    Ok(folder)
}

/// The lines of a file: when a record arrived, and its bytes.
fn in_lines(records: &[Record]) -> anyhow::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for Record { arrival_ms, data } in records {
        ensure!(!data.contains(&LINE_FEED) && (1_000_000_000_000..10_000_000_000_000).contains(arrival_ms));
        write!(lines, "{arrival_ms}:")?;
        lines.extend(data.iter().map(|&byte| if byte == b'\n' { LINE_FEED } else { byte }));
        lines.push(b'\n');
    }
    Ok(lines)
}

/// The SQL with files in the place of streams. A source of files has no metadata, so that the time of arrival is read from
/// the line.
fn with_files(sql: &str, input: &Path, output: &Path, ending: Ending) -> anyhow::Result<String> {
    let (monitor, rolling) = match ending {
        Ending::AfterTheLast => ("", ""),
        Ending::Never => (
            ", 'source.monitor-interval' = '1 s'",
            ", 'sink.rolling-policy.rollover-interval' = '500 ms', 'sink.rolling-policy.check-interval' = '500 ms'",
        ),
    };
    let columns = format!(
        "  `record` STRING,
  `data` AS ENCODE(REPLACE(SUBSTRING(`record`, 15), CHR({LINE_FEED}), CHR(10)), 'ISO-8859-1'),
  `arrival` AS TO_TIMESTAMP_LTZ(CAST(SUBSTRING(`record`, 1, 13) AS BIGINT), 3),"
    );
    let shipped = "  `data` BYTES,\n  `arrival` TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,";
    let sql = replace_once(sql, shipped, &columns)?;
    let source = format!(
        "'connector' = 'filesystem', 'path' = '{}', 'format' = 'raw', 'raw.charset' = 'ISO-8859-1'{monitor}",
        input.display()
    );
    let sink = format!(
        "'connector' = 'filesystem', 'path' = '{}', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'{rolling}",
        output.display()
    );
    let mut sql = with_options(&sql, "click_records", &source)?;
    sql = with_options(&sql, "window_counts", &sink)?;
    Ok(match ending {
        // The ticks must end too, or else the job would not.
        Ending::AfterTheLast => {
            replace_once(&sql, "'rows-per-second' = '1'", "'rows-per-second' = '1', 'number-of-rows' = '1'")?
        }
        // A file is complete with the next checkpoint.
        Ending::Never => format!("SET 'execution.checkpointing.interval' = '500 ms';\n{sql}"),
    })
}

/// The SQL with other options of a table.
fn with_options(sql: &str, table: &str, options: &str) -> anyhow::Result<String> {
    let create = format!("CREATE TABLE {table} (");
    let Some((before, rest)) = sql.split_once(&create) else { bail!("no table {table} in {sql}") };
    let (columns, rest) = rest.split_once(") WITH (\n").context("the table has options")?;
    let (_, after) = rest.split_once("\n);").context("the options end")?;
    Ok(format!("{before}{create}{columns}) WITH (\n  {options}\n);{after}"))
}

/// The text with the one place of `from` changed.
pub fn replace_once(text: &str, from: &str, to: &str) -> anyhow::Result<String> {
    ensure!(text.matches(from).count() == 1, "not once in the SQL: {from}");
    Ok(text.replacen(from, to, 1))
}
