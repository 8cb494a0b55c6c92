//! What a process takes of the machine, as Linux tells in `/proc`.

use std::collections::HashMap;
use std::fs;

use anyhow::Context as _;
use rustix::param::clock_ticks_per_second;

/// Processor time and memory of a process at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of processor time, without children.
    pub time: f64,
    /// Memory that is its own and in use, in bytes.
    pub memory: u64,
}

/// The processes that one process started, and those that they started: looked at again and again, since most of them end
/// without anybody adding up their times.
#[derive(Debug, Default)]
pub struct Descendants {
    /// The time of each when it was seen last, by its number and its beginning.
    times: HashMap<(u32, u64), f64>,
}

/// What the line of `/proc/PID/stat` tells.
struct Stat {
    parent: u32,
    time: f64,
    /// In ticks since the machine started.
    began: u64,
}

impl Descendants {
    /// Looks at those of `process` that run now.
    pub fn look(&mut self, process: u32) -> anyhow::Result<()> {
        let mut running = HashMap::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // It may have ended meanwhile.
            let Ok(line) = fs::read_to_string(entry.path().join("stat")) else { continue };
            running.insert(number, stat(&line)?);
        }
        for (number, stat) in &running {
            let mut ancestor = stat.parent;
            while ancestor != process
                && let Some(next) = running.get(&ancestor)
            {
                ancestor = next.parent;
            }
            if ancestor == process {
                self.times.insert((*number, stat.began), stat.time);
            }
        }
        Ok(())
    }

    /// Seconds of processor time of all that were ever seen.
    pub fn time(&self) -> f64 {
        self.times.values().sum()
    }
}

/// What the whole machine has done: seconds of processor time of all cores, whoever used them.
pub fn machine() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system; idle and waiting are fields 3 and 4; interrupts, and what a hypervisor took.
    let busy: u64 =
        ticks.iter().enumerate().filter(|(field, _)| !matches!(field, 3 | 4 | 8..)).map(|(_, ticks)| ticks).sum();
    Ok(busy as f64 / clock_ticks_per_second() as f64)
}

/// Each learner has a few connections, and each connection is a file here.
pub fn raise_open_files() -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}

/// Of a process that runs.
pub fn of(process: u32) -> anyhow::Result<Usage> {
    let line = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(Usage { time: stat(&line)?.time, memory: resident(&status)? })
}

/// The name in the line may hold anything, so that the fields are counted from its end.
fn stat(line: &str) -> anyhow::Result<Stat> {
    let (_, fields) = line.rsplit_once(')').context("the process's state cannot be read")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    // The fields after the name begin with the third, the state.
    let field = |number: usize| -> anyhow::Result<u64> {
        Ok(fields.get(number - 3).context("the process's state is too short")?.parse()?)
    };
    let ticks = field(14)? + field(15)?;
    Ok(Stat {
        parent: u32::try_from(field(4)?)?,
        time: ticks as f64 / clock_ticks_per_second() as f64,
        began: field(22)?,
    })
}

fn resident(status: &str) -> anyhow::Result<u64> {
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("the process's memory is not told")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_memory_are_read_whatever_the_process_is_called() {
        let ticks = clock_ticks_per_second();
        let line =
            format!("7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 {} {} 9 9 20 0 4 0 100 1000 500", 3 * ticks, ticks);
        let stat = stat(&line).unwrap();
        assert_eq!((stat.parent, stat.time, stat.began), (1, 4.0, 100));
        assert_eq!(resident("Name:\tx\nVmRSS:\t   2048 kB\n").unwrap(), 2 * 1024 * 1024);
    }

    #[test]
    fn children_are_seen_while_they_run() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut descendants = Descendants::default();
        descendants.look(std::process::id()).unwrap();
        assert!(descendants.times.keys().any(|(number, _)| *number == child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut of_init = Descendants::default();
        of_init.look(child.id()).unwrap();
        assert!(of_init.times.is_empty(), "it has no children");
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(of(std::process::id()).unwrap().memory > 0);
        assert!(machine().unwrap() > 0.0);
    }
}
