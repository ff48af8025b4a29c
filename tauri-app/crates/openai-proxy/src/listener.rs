//! Where the proxy listens: never beyond this computer.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// The port of 127.0.0.1 where nobody chose one.
pub const DEFAULT_PORT: u16 = 60315;
/// What the socket is called, in the data folder.
pub const SOCKET: &str = "api.sock";

/// Where to listen.
#[derive(Debug, Clone)]
pub enum Listen {
    /// A port of 127.0.0.1; 0 is one that is free.
    Port(u16),
    /// A socket that only its owner can open, at this path.
    Socket(PathBuf),
}

/// Why it cannot listen there, and what helps.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("port {0} of 127.0.0.1 is taken by another program; choose another port, or end that program")]
    PortTaken(u16),
    #[error("another program listens at {}; end it, or listen at a port", .0.display())]
    SocketTaken(PathBuf),
    #[error("{} is in the way and no socket; move it elsewhere, or listen at a port", .0.display())]
    NoSocket(PathBuf),
    #[error("the system refuses port {port} of 127.0.0.1: {source}; choose another port, from 1024 up")]
    PortRefused { port: u16, source: io::Error },
    #[error("the system refuses a socket at {}: {source}; put that right, or listen at a port", .path.display())]
    SocketRefused { path: PathBuf, source: io::Error },
}

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

/// Both directions of a connection.
pub(crate) type Stream = Pin<Box<dyn Duplex>>;

/// Listens until it is dropped, and leaves no socket behind.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    pub(crate) async fn bind(listen: &Listen) -> Result<Self, ListenError> {
        match listen {
            &Listen::Port(port) => match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                Ok(listener) => Ok(Self::Tcp(listener)),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(ListenError::PortTaken(port)),
                Err(source) => Err(ListenError::PortRefused { port, source }),
            },
            Listen::Socket(path) => {
                let refused = |source| ListenError::SocketRefused { path: path.clone(), source };
                clear(path).await?;
                let listener = Self::Unix(UnixListener::bind(path).map_err(refused)?, path.clone());
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(refused)?;
                Ok(listener)
            }
        }
    }

    /// The port, where it listens at one.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().as_ref().map(SocketAddr::port),
            Self::Unix(..) => None,
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // A token is a small packet, and somebody waits for it.
                // One that has gone already is found out by whoever reads from it.
                let _ = stream.set_nodelay(true);
                Ok(Box::pin(stream))
            }
            Self::Unix(listener, _) => Ok(Box::pin(listener.accept().await?.0)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, "the socket stays behind");
        }
    }
}

/// Removes a socket that a killed process left.
async fn clear(path: &Path) -> Result<(), ListenError> {
    let refused = |source| ListenError::SocketRefused { path: path.to_owned(), source };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => Err(ListenError::NoSocket(path.to_owned())),
        Ok(_) if UnixStream::connect(path).await.is_ok() => Err(ListenError::SocketTaken(path.to_owned())),
        Ok(_) => std::fs::remove_file(path).map_err(refused),
    }
}
