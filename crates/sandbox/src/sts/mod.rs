//! AWS Security Token Service: `GetCallerIdentity`, `AssumeRole` (query protocol, version 2011-06-15).
