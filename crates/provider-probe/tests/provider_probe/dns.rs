//! A DNS server whose answers are a function.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use hickory_resolver::proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::CNAME},
};
use tokio::{net::UdpSocket, task::JoinHandle};

/// What a name is.
#[derive(Debug, Clone)]
pub enum Is {
    /// These addresses, of both kinds.
    At(Vec<IpAddr>),
    /// Another name, which is at these addresses: a chain of as many names as there are, in one answer.
    Chain(Vec<&'static str>, Vec<IpAddr>),
    /// Nothing.
    Unknown,
}

impl Is {
    /// These addresses, as text.
    pub fn at(addresses: &[&str]) -> Self {
        Self::At(addresses.iter().map(|address| address.parse().unwrap()).collect())
    }
}

/// A DNS server on UDP that lives as long as this value. All its answers have a time to live of 0.
pub struct Dns {
    pub address: SocketAddr,
    task: JoinHandle<()>,
}

impl Dns {
    /// Answers a query for a name, without the dot at its end, and a type of record.
    pub async fn start(script: impl Fn(&str, RecordType) -> Is + Send + Sync + 'static) -> Self {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let address = socket.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok((read, from)) = socket.recv_from(&mut buffer).await {
                let Ok(query) = Message::from_vec(&buffer[..read]) else { continue };
                socket.send_to(&respond(&query, &script), from).await.ok();
            }
        });
        Self { address, task }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn respond(query: &Message, script: &impl Fn(&str, RecordType) -> Is) -> Vec<u8> {
    let question = query.queries.first().expect("a question");
    let (name, kind) = (question.name().clone(), question.query_type());
    let mut response = Message::response(query.metadata.id, OpCode::Query);
    response.metadata.recursion_desired = true;
    response.metadata.recursion_available = true;
    response.add_query(question.clone());
    let asked = name.to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let (names, addresses) = match script(&asked, kind) {
        Is::At(addresses) => (Vec::new(), addresses),
        Is::Chain(names, addresses) => (names, addresses),
        Is::Unknown => {
            response.metadata.response_code = ResponseCode::NXDomain;
            return response.to_vec().unwrap();
        }
    };
    let mut owner = name;
    for next in names {
        let target = Name::from_ascii(format!("{next}.")).unwrap();
        response.add_answer(Record::from_rdata(owner, 0, RData::CNAME(CNAME(target.clone()))));
        owner = target;
    }
    for address in addresses {
        let data = match (kind, address) {
            (RecordType::A, IpAddr::V4(address)) => RData::A(address.into()),
            (RecordType::AAAA, IpAddr::V6(address)) => RData::AAAA(address.into()),
            _ => continue,
        };
        response.add_answer(Record::from_rdata(owner.clone(), 0, data));
    }
    response.to_vec().unwrap()
}
