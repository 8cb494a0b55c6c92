//! Memory as Linux tells of it, and how much there is for the environments that rest.

use std::fs;

use super::limits;

/// Where nothing tells how much memory there is.
const ASSUMED: u64 = 4 * 1024 * 1024 * 1024;

/// What all resting environments together may hold, bytes: a part of the machine's memory, or of the container's.
pub(super) fn for_resting() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| bytes_of(&text, "MemTotal:"));
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    machine.into_iter().chain(container).min().unwrap_or(ASSUMED) / limits::RESTING_PART
}

/// What a file such as `/proc/meminfo` (`proc_meminfo(5)`) tells by this name, in bytes.
pub(super) fn bytes_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_in_bytes() {
        let total = |text| bytes_of(text, "MemTotal:");
        assert_eq!(total("MemTotal:       24684160 kB\nMemFree:        17646592 kB\n"), Some(24_684_160 * 1024));
        assert_eq!(total("MemFree:        17646592 kB\n"), None);
        assert!(for_resting() > 0);
    }
}
