//! Redis as a seat counter: a Lua script for each claim, and the append-only file on disk before the answer.
//!
//! Its best case: over its raw protocol on loopback, no HTTP, no rules, no record that could be queried. A private
//! instance per measurement in a temporary folder, ended by its id.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream as Probe};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use kaowei_tests::wait::{self, PATIENCE};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use crate::measure::{self, Budget, Client, Measured};
use crate::workload::{CAPACITY, Claim, Spread};

/// Keys: the pool's counter, its waiting list, its claims. Arguments: the candidate, the capacity.
const SCRIPT: &str = "
    if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then return 2 end
    local taken = redis.call('INCR', KEYS[1])
    if taken <= tonumber(ARGV[2]) then
        redis.call('HSET', KEYS[3], ARGV[1], 'held')
        return 1
    end
    redis.call('HSET', KEYS[3], ARGV[1], 'waiting')
    redis.call('RPUSH', KEYS[2], ARGV[1])
    return 0";

struct Redis {
    server: Child,
    address: SocketAddr,
    _folder: TempDir,
}

struct Connection {
    stream: BufStream<TcpStream>,
    script: String,
    line: String,
}

/// Claims a second of `clients` clients, over 30,000 pools.
pub(super) fn script(clients: usize, budget: &Budget) -> anyhow::Result<Measured> {
    if Command::new("redis-server").arg("--version").output().is_err() {
        return Ok(Measured::Skipped(
            "redis-server is not here: `make bench` installs it".into(),
        ));
    }
    let redis = Redis::start()?;
    measure::on_all_cores(async {
        let mut connected = Vec::new();
        for _ in 0..clients {
            connected.push(Connection::open(redis.address).await?);
        }
        measure::closed_loop(connected, Spread::Zipf, budget).await
    })
}

impl Redis {
    fn start() -> anyhow::Result<Self> {
        const TRIES: usize = 5;
        for _ in 0..TRIES {
            if let Some(redis) = Self::try_start()? {
                return Ok(redis);
            }
        }
        bail!("Redis did not start in {TRIES} tries")
    }

    /// `None` when somebody took the port between our asking for a free one and Redis's taking it.
    fn try_start() -> anyhow::Result<Option<Self>> {
        let folder = tempfile::Builder::new().prefix("kaowei-bench-redis-").tempdir()?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let port = address.port().to_string();
        // Should the bench be killed, Redis goes with it.
        let server = Command::new("setpriv")
            .args([
                "--pdeathsig=KILL",
                "redis-server",
                "--bind",
                "127.0.0.1",
                "--port",
                &port,
                "--save",
                "",
            ])
            .args(["--appendonly", "yes", "--appendfsync", "always", "--dir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("can't start Redis")?;
        let mut redis = Self {
            server,
            address,
            _folder: folder,
        };
        let mut ended = false;
        wait::until("Redis to take connections", PATIENCE, || {
            ended = redis.server.try_wait()?.is_some();
            Ok(ended || Probe::connect(address).is_ok())
        })?;
        Ok((!ended).then_some(redis))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Its folder is deleted next, so there is nothing to end gently.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Connection {
    async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .context("can't connect to the bench's Redis")?;
        stream.set_nodelay(true)?;
        let mut connection = Self {
            stream: BufStream::new(stream),
            script: String::new(),
            line: String::new(),
        };
        connection.send(&["SCRIPT", "LOAD", SCRIPT]).await?;
        let length: usize = connection.answer('$').await?.parse()?;
        let mut digest = vec![0; length + "\r\n".len()];
        connection.stream.read_exact(&mut digest).await?;
        digest.truncate(length);
        connection.script = String::from_utf8(digest)?;
        Ok(connection)
    }

    async fn send(&mut self, words: &[&str]) -> anyhow::Result<()> {
        let mut command = format!("*{}\r\n", words.len());
        for word in words {
            command.extend(["$", &word.len().to_string(), "\r\n", word, "\r\n"]);
        }
        self.stream.write_all(command.as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    /// The rest of a line that begins with `kind`.
    async fn answer(&mut self, kind: char) -> anyhow::Result<&str> {
        self.line.clear();
        self.stream.read_line(&mut self.line).await?;
        self.line
            .trim_end()
            .strip_prefix(kind)
            .with_context(|| format!("Redis says {:?}", self.line))
    }
}

impl Client for Connection {
    async fn claim(&mut self, Claim { pool, candidate }: Claim) -> anyhow::Result<()> {
        let keys = ["taken", "waiting", "claims"].map(|kind| format!("{kind}:{pool}"));
        let (script, candidate, capacity) =
            (self.script.clone(), candidate.to_string(), CAPACITY.to_string());
        self.send(&[
            "EVALSHA", &script, "3", &keys[0], &keys[1], &keys[2], &candidate, &capacity,
        ])
        .await?;
        let outcome = self.answer(':').await?;
        ensure!(
            outcome == "0" || outcome == "1",
            "candidate {candidate} has claimed before"
        );
        Ok(())
    }
}
