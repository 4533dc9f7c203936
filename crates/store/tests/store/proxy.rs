//! A wire to a server that can stop passing anything on, without a word.
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Proxy {
    port: u16,
    hanging: watch::Sender<bool>,
}

impl Proxy {
    /// A wire to this address, `host:port`.
    pub(crate) async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hanging, hangs) = watch::channel(false);
        let server = server.to_owned();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let Ok(far) = TcpStream::connect(&server).await else { continue };
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near_in, far_out, hangs.clone()));
                tokio::spawn(pass(far_in, near_out, hangs.clone()));
            }
        });
        Self { port, hanging }
    }

    /// The URL of a database behind this wire.
    pub(crate) fn url(&self, url: &str) -> String {
        let (server, database) = url.rsplit_once('/').unwrap();
        let (user, _) = server.rsplit_once('@').unwrap();
        format!("{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// From now on nothing passes, or everything passes again.
    pub(crate) fn hang(&self, hanging: bool) {
        self.hanging.send(hanging).unwrap();
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut hangs: watch::Receiver<bool>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if hangs.wait_for(|hanging| !hanging).await.is_err() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
