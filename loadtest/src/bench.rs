//! The client against a server that does nothing: what is the most that this load tester can do on one core?
//!
//! Promises: the path measured is that of a real claim: its request is built, its answer parsed, both are recorded.
//! The trivial server runs on a thread of its own in this process.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use crate::cli::SelfBench;
use crate::client::{Call, Connections, OnFull, PoolIds, Read, Subject, Target, Texts, Tokens, read_answer};
use crate::history::{CandidateIndex, Code, History, KeyNumber, Operation, PoolIndex, Request as Record};
use crate::world::single_pool;

/// Requests a second that the client should make on one core.
pub const GOAL_PER_SECOND: f64 = 30_000.0;

/// A token of the usual length.
const TOKEN_LENGTH: usize = 320;

/// Measures and prints.
pub fn self_bench(options: &SelfBench) -> Result<()> {
    let target = trivial_server()?;
    println!(
        "one client thread, {} connections, {} s each, against a server in this process that does nothing",
        options.connections, options.seconds
    );
    for (what, operation) in [
        ("GET, nothing read", Operation::Qualification),
        ("claim: built, parsed, recorded", Operation::Claim),
    ] {
        let rate = measure(target, operation, options)?;
        let verdict = if rate >= GOAL_PER_SECOND {
            "reached"
        } else {
            "missed"
        };
        println!("{what:<32}{rate:>10.0} requests/s   (goal {GOAL_PER_SECOND:.0}: {verdict})");
    }
    Ok(())
}

fn trivial_server() -> Result<Target> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new()
        .name("trivial-server".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            LocalSet::new().block_on(&runtime, serve(sender))
        })?;
    let address = receiver.recv().context("the trivial server did not start")?;
    Ok(format!("http://{address}").parse()?)
}

async fn serve(address: mpsc::Sender<SocketAddr>) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    // Nobody waits for it only if the bench has ended already.
    let _ = address.send(listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let served = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::task::spawn_local(served);
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    const CLAIM: &[u8] = br#"{"id":"992010-1-1","pool":"992010-1","state":"held","seq":2,"held_until":"2026-09-11T01:00:00Z","position":null,"settling":false,"fee_fen":3000,"registered_by":"candidate","arrangement":"unarranged","created_at":"2026-09-10T01:00:00Z","chain_hash":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}"#;
    if request.method() == Method::GET {
        return Ok(Response::new(Full::new(Bytes::from_static(b"hello"))));
    }
    // Body drained, as a server must.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(CLAIM)));
    *response.status_mut() = StatusCode::CREATED;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    Ok(response)
}

struct Bench {
    connections: Connections,
    texts: Texts,
    pools: PoolIds,
    history: RefCell<History>,
    began: Instant,
    until: Instant,
    failed: Cell<u64>,
}

#[expect(clippy::cast_precision_loss, reason = "a count of requests")]
fn measure(target: Target, operation: Operation, options: &SelfBench) -> Result<f64> {
    let world = single_pool(1, 1);
    let token = "x".repeat(TOKEN_LENGTH);
    let began = Instant::now();
    let bench = Rc::new(Bench {
        connections: Connections::new(target, options.connections),
        texts: Texts::new("bench", target, &world, Tokens::new([token.as_str()])),
        pools: PoolIds::from([(world.pools[0].id.as_str().into(), PoolIndex(0))]),
        history: RefCell::new(History::new("bench")),
        began,
        until: began + Duration::from_secs(options.seconds.into()),
        failed: Cell::new(0),
    });
    bench.history.borrow_mut().pool(&world.pools[0].id);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let lanes: Vec<_> = (0..options.connections)
            .map(|_| tokio::task::spawn_local(lane(Rc::clone(&bench), operation)))
            .collect();
        for lane in lanes {
            lane.await?;
        }
        anyhow::Ok(())
    })?;
    let count = bench.history.borrow().requests().len() as u64;
    anyhow::ensure!(
        bench.failed.get() == 0,
        "{} of {count} requests failed",
        bench.failed.get()
    );
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

async fn lane(bench: Rc<Bench>, operation: Operation) {
    let limit = Duration::from_secs(10);
    let now_us = || u64::try_from(bench.began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let call = match operation {
        Operation::Claim => Call {
            key: KeyNumber(1),
            ..Call::plain(operation, Subject::Pool(0, OnFull::Waitlist))
        },
        _ => Call::plain(operation, Subject::Own),
    };
    while Instant::now() < bench.until {
        let intended_us = now_us();
        let started_us = Cell::new(intended_us);
        let request = bench.texts.request(0, &call);
        let sent = || started_us.set(now_us());
        let reply = bench.connections.exchange(request, limit, sent).await;
        let answer = read_answer(&reply, Read::of(operation), &bench.pools, Code::TimedOut);
        if answer.code != Code::None {
            bench.failed.set(bench.failed.get() + 1);
        }
        let record = Record {
            intended_us,
            started_us: started_us.get(),
            ended_us: now_us(),
            candidate: CandidateIndex(0),
            pool: Some(PoolIndex(0)),
            key: call.key,
            status: answer.status,
            operation,
            code: answer.code,
        };
        bench
            .history
            .borrow_mut()
            .push(record, answer.claims.iter().copied());
    }
}
