//! `headwater check-config`

use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};
use sandbox::RemoteSandbox;
use secrecy::ExposeSecret as _;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::data_folder::lock;
use crate::config::{Configured, ServeOptions};

/// A database answers within this time, or counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// One thing that was looked at: what is well, or what to do about it.
type Finding = Result<String, String>;

/// Tells the options and looks at what they name. Nothing is changed but that the data folder is made if absent.
pub async fn run(options: ServeOptions, configured: &Configured, matches: &ArgMatches) -> ExitCode {
    println!("Options:");
    for line in option_lines(configured, matches) {
        println!("  {line}");
    }
    println!("\nChecks:");
    let findings = findings(&options).await;
    for finding in &findings {
        match finding {
            Ok(well) => println!("  ok     {well}"),
            Err(problem) => println!("  wrong  {problem}"),
        }
    }
    match findings.iter().filter(|finding| finding.is_err()).count() {
        0 => {
            println!("\nHeadwater would start.");
            ExitCode::SUCCESS
        }
        problems => {
            println!("\n{problems} to put right.");
            ExitCode::FAILURE
        }
    }
}

/// A line an option: its value, secrets only as "set", and where it comes from.
fn option_lines(configured: &Configured, matches: &ArgMatches) -> Vec<String> {
    let Some((name, matches)) = matches.subcommand() else { return Vec::new() };
    let command = configured.command.find_subcommand(name);
    let options = command.into_iter().flat_map(clap::Command::get_arguments);
    let options = options.filter_map(|option| Some((option.get_long()?, option)));
    options
        .filter(|(name, _)| !["help", "version"].contains(name))
        .map(|(name, option)| option_line(name, option, matches, configured.from_file.contains(name)))
        .collect()
}

fn option_line(name: &str, option: &Arg, matches: &ArgMatches, in_file: bool) -> String {
    let id = option.get_id().as_str();
    let value = match matches.try_get_raw(id).ok().flatten() {
        Some(_) if option.is_hide_env_values_set() => "set".to_owned(),
        Some(values) => values.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(", "),
        None => return format!("{name:<26} not set"),
    };
    let source = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => "flag",
        Some(ValueSource::EnvVariable) => "environment",
        _ if in_file => "file",
        _ => "default",
    };
    format!("{name:<26} {value:<40} {source}")
}

async fn findings(options: &ServeOptions) -> Vec<Finding> {
    let mut findings = vec![data_folder(&options.data_dir()), site(&options.site_root), live(options)];
    findings.push(port("listen", options.listen));
    findings.push(database(options).await);
    findings.extend(provider(options).await);
    if let Some(address) = options.metrics_listen {
        findings.push(port("metrics-listen", address));
    }
    match &options.remote.sandbox_control {
        Some(url) => findings.push(remote_sandbox(url, options).await),
        None => {
            findings.push(port("sandbox-listen", options.sandbox.sandbox_listen));
            findings.push(python(&options.sandbox.python));
            findings.push(packages(&options.sandbox.python_packages()));
            findings.push(bubblewrap(&options.sandbox.bubblewrap));
        }
    }
    findings
}

fn data_folder(folder: &Path) -> Finding {
    match lock(folder) {
        Ok(_) => Ok(format!("the data folder {} can be written", folder.display())),
        Err(problem) => Err(format!("{problem:#}")),
    }
}

fn site(site_root: &Path) -> Finding {
    let script = site_root.join("pkg/headwater.js");
    if script.is_file() {
        return Ok(format!("the browser half is in {}", site_root.display()));
    }
    Err(format!(
        "{} is missing: build the browser half with scripts/build-web.sh, or set --site-root",
        script.display()
    ))
}

fn live(options: &ServeOptions) -> Finding {
    let connect = options.connect().map_err(|problem| problem.to_string())?;
    Ok(format!("accounts of learners' own: {:?}", connect.mode).to_lowercase())
}

fn port(option: &str, address: SocketAddr) -> Finding {
    match std::net::TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} of {option} is free")),
        Err(problem) => Err(format!(
            "{address} of {option} cannot be listened on ({problem}): stop what uses it, or choose another with --{option}"
        )),
    }
}

/// Whether the database can be reached. Its tables are made by the server, when it starts.
async fn database(options: &ServeOptions) -> Finding {
    let url = options.database_url().map_err(|problem| format!("{problem:#}"))?;
    let Some(url) = url else {
        return Ok("learners are kept in SQLite, in the data folder".to_owned());
    };
    // The error of an address that cannot be read may quote it, password and all.
    let address: PgConnectOptions = url.expose_secret().parse().map_err(|_| {
        "database-url is no address of a PostgreSQL database, such as postgres://user:password@host/database".to_owned()
    })?;
    let place = format!("{}:{}", address.get_host(), address.get_port());
    match tokio::time::timeout(PATIENCE, PgConnection::connect_with(&address)).await {
        Ok(Ok(_)) => Ok(format!("PostgreSQL at {place} answers")),
        Ok(Err(problem)) => {
            Err(format!("PostgreSQL at {place} cannot be used ({problem}): start it, or correct database-url"))
        }
        Err(_) => Err(format!("PostgreSQL at {place} does not answer: start it, or correct database-url")),
    }
}

/// Whether the OpenID Connect provider answers, if one is named.
async fn provider(options: &ServeOptions) -> Option<Finding> {
    let provider = match options.provider.provider() {
        Ok(provider) => provider?,
        Err(problem) => return Some(Err(format!("{problem:#}"))),
    };
    Some(match provider.look().await {
        Ok(()) => Ok(format!("{} answers as an OpenID Connect provider", provider.issuer())),
        Err(problem) => {
            Err(format!("{} of oidc-issuer: {problem}; instructors cannot sign in there", provider.issuer()))
        }
    })
}

fn python(interpreter: &Path) -> Finding {
    if !interpreter.starts_with("/usr") {
        return Err(format!(
            "--python {}: learners' functions see /usr only; name a Python there",
            interpreter.display()
        ));
    }
    let code = "import sys; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < (3, 9))";
    match Command::new(interpreter).args(["-I", "-c", code]).output() {
        Ok(output) if output.status.success() => {
            Ok(format!("{} is Python {}", interpreter.display(), String::from_utf8_lossy(&output.stdout).trim()))
        }
        Ok(output) => Err(format!(
            "{} is too old ({}); name Python 3.9 or newer with --python",
            interpreter.display(),
            String::from_utf8_lossy(&output.stdout).trim()
        )),
        Err(problem) => {
            Err(format!("{} cannot be run ({problem}); install Python or set --python", interpreter.display()))
        }
    }
}

fn packages(folder: &Path) -> Finding {
    if folder.join("awslambdaric").is_dir() && folder.join("boto3").is_dir() {
        return Ok(format!("the packages for learners' functions are in {}", folder.display()));
    }
    Err(format!("{} has no awslambdaric and boto3: run scripts/setup.sh, or set --python-packages", folder.display()))
}

/// Whether a program can be run in namespaces of its own, which a container or a hardened system may forbid.
fn bubblewrap(program: &Path) -> Finding {
    let arguments = ["--unshare-all", "--ro-bind", "/", "/", "--", "/bin/true"];
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(format!("{} can isolate functions", program.display())),
        Ok(output) => Err(format!(
            "{} cannot isolate functions: {}; user namespaces must be allowed (docs/operations.md)",
            program.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        )),
        Err(problem) => {
            Err(format!("{} cannot be run ({problem}); install bubblewrap or set --bubblewrap", program.display()))
        }
    }
}

async fn remote_sandbox(url: &str, options: &ServeOptions) -> Finding {
    let token = options.remote.token.token().map_err(|problem| problem.to_string())?;
    match RemoteSandbox::connect(url, token).await {
        Ok(sandbox) => Ok(format!("the sandbox at {url} answers; learners reach it at {}", sandbox.endpoint_url())),
        Err(problem) => Err(format!("{problem}; start it with `headwater sandbox serve`, with the same token")),
    }
}
