//! What a process takes of the machine, as Linux tells in `/proc`.

use std::fs;

use anyhow::Context as _;
use rustix::param::clock_ticks_per_second;

/// Processor time and memory of a process at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of processor time of the process itself.
    pub own: f64,
    /// The same of its children that have ended: the sandbox's functions.
    pub children: f64,
    /// Memory that is its own and in use, in bytes.
    pub memory: u64,
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

/// Of a process that runs.
pub fn of(process: u32) -> anyhow::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let memory = fs::read_to_string(format!("/proc/{process}/status"))?;
    Ok(Usage { memory: resident(&memory)?, ..times(&stat)? })
}

/// The times in the line of `/proc/PID/stat`. The name before them may hold anything, so that they are counted from its end.
fn times(stat: &str) -> anyhow::Result<Usage> {
    let (_, fields) = stat.rsplit_once(')').context("the process's state cannot be read")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let seconds = |first: usize| {
        let ticks = fields.iter().skip(first).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        ticks as f64 / clock_ticks_per_second() as f64
    };
    // The fields after the name begin with the third, the state; user and system time are the 14th to 17th.
    Ok(Usage { own: seconds(11), children: seconds(13), memory: 0 })
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
        let stat = format!(
            "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 {} {} {} {} 20 0 4 0 100 1000 500",
            3 * ticks,
            ticks,
            ticks,
            ticks / 2
        );
        let usage = times(&stat).unwrap();
        assert_eq!((usage.own, usage.children), (4.0, 1.5));
        assert_eq!(resident("Name:\tx\nVmRSS:\t   2048 kB\n").unwrap(), 2 * 1024 * 1024);
    }

    #[test]
    fn this_process_has_used_something() {
        assert!(of(std::process::id()).unwrap().memory > 0);
        assert!(machine().unwrap() > 0.0);
    }
}
