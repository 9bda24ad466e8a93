"""The table of the import alias: Twisted's module names, and the rooms of Plait that provide their names.

A row names the rooms, in the order in which a name is looked for. Where a room holds more than the Twisted
module does, ``only`` lists what the module has; a name of that list which the room lacks is one that Plait
does not provide yet. A name that is called otherwise here is in ``renamed``, as ``room:name``. A package
without names of its own is an empty row.

To provide a module, add its row: nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plait.as_twisted.version import Version

__all__ = ["MODULES", "REACTOR", "Row"]

REACTOR = "twisted.internet.reactor"
"""The one row that becomes an object and not a module."""


@dataclass(frozen=True, slots=True)
class Row:
    """Where the names of one Twisted module come from."""

    rooms: tuple[str, ...] = ()
    only: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    deprecated: Mapping[str, tuple[Version, str]] = field(default_factory=dict)
    """Of names that warn when they are read: since when, and what to do."""


def _row(*rooms: str, only: str = "", **renamed: str) -> Row:
    return Row(rooms, frozenset(only.split()), renamed)


_VERSION = "plait.as_twisted.version"
_LEGACY = "plait.as_twisted.legacy"
_RUNNER = "plait.testing.runner"
_TEMPLATE = "plait.web.template"
_TESTING = _row(
    "plait.testing",
    only="""
        AccumulatingProtocol EventLoggingObserver FakeDatagramTransport LineSendingProtocol MemoryReactor
        MemoryReactorClock NonStreamingProducer RaisingMemoryReactor StringIOWithoutClosing StringTransport
        StringTransportWithDisconnection waitUntilAllDisconnected
    """,
    _FakeConnector="plait.testing.reactors:MemoryConnector",
    _FakePort="plait.testing.reactors:MemoryPort",
)
_PRIVATE = f"{_LEGACY}.private:Private"


def _reactors(*classes: str) -> Row:
    """A module that chooses the reactor. There is one here, by whatever name it is asked for."""
    return _row(f"{_LEGACY}.reactors", **dict.fromkeys(classes, "plait.engine:Reactor"))


def _on_glib(classes: str) -> Row:
    """A module that chooses the reactor and runs it on GLib's loop, beside a user interface."""
    return _row(f"{_LEGACY}.glibreactor", **dict.fromkeys(classes.split(), "plait.engine:Reactor"))


def _each(room: str, names: str) -> dict[str, str]:
    """Names that are looked for one by one in a module of old programs' things, which is imported for none of the others."""
    return {name: f"{_LEGACY}.{room}:{name}" for name in names.split()}


# The certificates and options of TLS, as programs for Twisted have them. All of this needs pyOpenSSL.
_TLS = [f"{_LEGACY}.tls{room}" for room in ("clients", "options", "trust", "certificates", "keys", "names")]
_TLS += [f"{_LEGACY}.tls{room}" for room in ("ciphers", "versions", "negotiation")]

# --8<-- [start:table]
MODULES: Mapping[str, Row] = {
    "twisted": _row(
        __file__="plait.as_twisted:__file__",
        __version__=f"{_VERSION}:__version__",
        version=f"{_VERSION}:version",
    ),
    "twisted._threads": _row(
        f"{_LEGACY}.teams",
        only="AlreadyQuit IExclusiveWorker IWorker LockWorker Team ThreadWorker createMemoryWorker pool",
    ),
    "twisted._threads._convenience": _row(f"{_LEGACY}.teams", only="Quit"),
    "twisted._threads._ithreads": _row(f"{_LEGACY}.teams", only="AlreadyQuit IExclusiveWorker IWorker"),
    "twisted._threads._memory": _row(f"{_LEGACY}.teams", only="MemoryWorker createMemoryWorker"),
    "twisted._threads._pool": _row(f"{_LEGACY}.teams", only="pool"),
    "twisted._threads._team": _row(f"{_LEGACY}.teams", only="Statistics Team"),
    "twisted._threads._threadworker": _row(f"{_LEGACY}.teams", only="LockWorker SimpleLock ThreadWorker"),
    "twisted._version": _row(_VERSION, only="version", __version__=f"{_VERSION}:version"),
    "twisted.copyright": _row(_VERSION, only="copyright disclaimer longversion", version=f"{_VERSION}:__version__"),
    "twisted.cred": _row(),
    "twisted.cred._digest": _row("plait.auth.digest", only="algorithms calcHA1 calcHA2 calcResponse"),
    "twisted.cred.checkers": _row(
        "plait.auth.checkers",
        "plait.auth.filedb",
        only="""
            ANONYMOUS AllowAnonymousAccess FilePasswordDB ICredentialsChecker InMemoryUsernamePasswordDatabaseDontUse
        """,
    ),
    "twisted.cred.credentials": replace(
        _row(
            "plait.auth.credentials",
            "plait.auth.digest",
            only="""
                Anonymous CramMD5Credentials DigestCredentialFactory DigestedCredentials IAnonymous ICredentials
                ISSHPrivateKey IUsernameDigestHash IUsernameHashedPassword IUsernamePassword SSHPrivateKey
                UsernameHashedPassword UsernamePassword calcHA1 calcHA2 calcResponse
            """,
        ),
        deprecated={
            "UsernameHashedPassword": (
                Version("Twisted", 21, 2, 0),
                "Use twisted.cred.credentials.UsernamePassword instead.",
            )
        },
    ),
    "twisted.cred.error": _row("plait.auth.errors"),
    "twisted.cred.portal": _row("plait.auth.portal", only="IRealm Portal"),
    "twisted.cred.strcred": _row(f"{_LEGACY}.strcred"),
    "twisted.persisted": _row(),
    "twisted.persisted.aot": _row(f"{_LEGACY}.aot"),
    "twisted.persisted.crefutil": _row(f"{_LEGACY}.crefutil"),
    "twisted.persisted.dirdbm": _row(f"{_LEGACY}.dirdbm"),
    "twisted.persisted.sob": _row(f"{_LEGACY}.sob"),
    "twisted.persisted.styles": _row(f"{_LEGACY}.styles"),
    "twisted.plugin": _row(f"{_LEGACY}.plugin"),
    "twisted.plugins": _row(),
    "twisted.plugins.cred_anonymous": _row(**_each("strcred", "theAnonymousCheckerFactory")),
    "twisted.plugins.cred_file": _row(**_each("strcred", "invalidFileWarning theFileCheckerFactory")),
    "twisted.plugins.cred_memory": _row(**_each("strcred", "theMemoryCheckerFactory")),
    "twisted.plugins.cred_pam": _row(**_each("strcred", "thePAMCheckerFactory")),
    "twisted.plugins.cred_unix": _row(
        **_each("strcred", "theUnixCheckerFactory"),
        UNIXChecker="plait.auth.system:UNIXChecker",
        verifyCryptedPassword="plait.auth.system:verifyCryptedPassword",
    ),
    "twisted.plugins.twisted_core": _row(
        haproxyServerEndpointParser=f"{_LEGACY}.endpoints:haproxy",
        stdioEndpointParser=f"{_LEGACY}.endpoints:stdio",
        systemdEndpointParser=f"{_LEGACY}.endpoints:systemd",
        tcp6ServerEndpointParser=f"{_LEGACY}.endpoints:tcp6",
        tlsClientEndpointParser=f"{_LEGACY}.endpoints:tls",
    ),
    "twisted.plugins.twisted_reactors": _row(
        **_each("reactorplugins", "asyncio default epoll gi gtk3 iocp kqueue poll select")
    ),
    "twisted.plugins.twisted_trial": _row(
        f"{_LEGACY}.trialplugins", _Reporter=f"{_LEGACY}.trialplugins:ReporterPlugin"
    ),
    "twisted.python": _row(),
    "twisted.python.failure": _row(
        "plait.failure",
        f"{_LEGACY}.failure",
        _Frame="plait.tracebacks:StandInFrame",
        _Traceback="plait.tracebacks:standInTraceback",
        _TracebackFrame="plait.tracebacks:StandInTraceback",
        _Code="types:CodeType",
    ),
    "twisted.python.log": _row("plait.log.legacy", f"{_LEGACY}.log"),
    "twisted.python.filepath": _row(f"{_LEGACY}.filepath"),
    "twisted.python.reflect": _row(f"{_LEGACY}.reflect", f"{_LEGACY}.objgrep", __file__=f"{_LEGACY}.reflect:__file__"),
    "twisted.python.threadpool": _row("plait.engine", only="ThreadPool"),
    "twisted.python.usage": _row(f"{_LEGACY}.usage"),
    "twisted.python.components": _row(f"{_LEGACY}.components"),
    "twisted.python.deprecate": _row(f"{_LEGACY}.deprecate"),
    "twisted.python.compat": _row(
        f"{_LEGACY}.compat", frozenset="builtins:frozenset", range="builtins:range", set="builtins:set"
    ),
    "twisted.python.runtime": _row(f"{_LEGACY}.runtime"),
    "twisted.python.procutils": _row(f"{_LEGACY}.procutils"),
    "twisted.python.util": _row(f"{_LEGACY}.accounts", f"{_LEGACY}.util", os=f"{_LEGACY}.accounts:os"),
    "twisted.python.context": _row(f"{_LEGACY}.context"),
    "twisted.python.lockfile": _row(
        "plait.deferred.filelock", only="FilesystemLock isLocked kill readlink rmlink symlink"
    ),
    "twisted.python.logfile": _row(f"{_LEGACY}.logfile"),
    "twisted.python.monkey": _row(f"{_LEGACY}.monkey"),
    "twisted.python.randbytes": _row(f"{_LEGACY}.randbytes"),
    "twisted.python.systemd": _row(f"{_LEGACY}.systemd"),
    "twisted.python.threadable": _row(f"{_LEGACY}.threadable"),
    "twisted.python.urlpath": _row(f"{_LEGACY}.urlpath"),
    "twisted.python.syslog": _row(f"{_LEGACY}.syslog"),
    "twisted.python.versions": _row(_VERSION, only="IncomparableVersions Version getVersionString"),
    "twisted.python._appdirs": _row(f"{_LEGACY}.appdirs"),
    "twisted.python._inotify": _row(f"{_LEGACY}.inotifycalls", libc=f"{_LEGACY}.inotifycalls:libc"),
    "twisted.python._shellcomp": _row(f"{_LEGACY}.shellcomp"),
    "twisted.python._textattributes": _row(
        f"{_LEGACY}.textattributes",
        only="""
            CharacterAttributesMixin DefaultFormattingState flatten _BackgroundColorAttr _ColorAttribute
            _ForegroundColorAttr _FormattingStateMixin _NormalAttr _OtherAttr
        """,
    ),
    "twisted.python._tzhelper": _row(f"{_LEGACY}.timezones"),
    "twisted.python.constants": _row(f"{_LEGACY}.constants"),
    "twisted.python.fakepwd": _row(f"{_LEGACY}.fakepwd"),
    "twisted.python.formmethod": _row(f"{_LEGACY}.formmethod"),
    "twisted.python.htmlizer": _row(f"{_LEGACY}.htmlizer"),
    "twisted.python.modules": _row(f"{_LEGACY}.modules"),
    "twisted.python.rebuild": _row(f"{_LEGACY}.rebuild"),
    "twisted.python.roots": _row(f"{_LEGACY}.roots"),
    "twisted.python.sendmsg": _row(f"{_LEGACY}.sendmsg"),
    "twisted.python.text": _row(f"{_LEGACY}.text"),
    "twisted.python.url": _row(f"{_LEGACY}.url"),
    "twisted.python.win32": _row(f"{_LEGACY}.win32"),
    "twisted.python.zippath": _row(f"{_LEGACY}.zippath"),
    "twisted.python.zipstream": _row(f"{_LEGACY}.zipstream"),
    "twisted.logger": _row(f"{_LEGACY}.logger", "plait.log"),
    "twisted.logger._buffer": _row("plait.log", only="LimitedHistoryLogObserver"),
    "twisted.logger._capture": _row("plait.log", only="capturedLogs"),
    "twisted.logger._file": _row("plait.log", only="FileLogObserver textFileLogObserver"),
    "twisted.logger._filter": _row(
        "plait.log", only="FilteringLogObserver ILogFilterPredicate LogLevelFilterPredicate PredicateResult"
    ),
    "twisted.logger._flatten": _row("plait.log._format", "plait.log._flatten"),
    "twisted.logger._format": _row("plait.log._format"),
    "twisted.logger._global": _row(
        f"{_LEGACY}.logger", "plait.log", only="LogBeginner MORE_THAN_ONCE_WARNING globalLogBeginner globalLogPublisher"
    ),
    "twisted.logger._interfaces": _row("plait.log", only="ILogObserver LogEvent"),
    "twisted.logger._io": _row("plait.log", only="LoggingFile"),
    "twisted.logger._json": _row("plait.log._json"),
    "twisted.logger._legacy": _row(f"{_LEGACY}.logger", only="LegacyLogObserverWrapper publishToNewObserver"),
    "twisted.logger._levels": _row("plait.log", only="InvalidLogLevelError LogLevel"),
    "twisted.logger._logger": _row("plait.log", only="Logger"),
    "twisted.logger._observer": _row("plait.log", only="LogPublisher bitbucketLogObserver"),
    "twisted.logger._stdlib": _row(f"{_LEGACY}.logger", only="STDLibLogObserver"),
    "twisted.logger._util": _row(f"{_LEGACY}.logger", only="formatTrace"),
    # The engine
    "twisted.internet": _row(),
    REACTOR: _row(),
    "twisted.internet.abstract": _row(f"{_LEGACY}.abstract"),
    "twisted.internet.address": _row(
        "plait.transport.address",
        only="HostnameAddress IPv4Address IPv6Address UNIXAddress",
        _ProcessAddress="plait.transport.address:ProcessAddress",
    ),
    "twisted.internet.base": _row(
        f"{_LEGACY}.base",
        only="DelayedCall",
        ReactorBase="plait.engine:Reactor",
        PluggableResolverMixin="plait.engine.resolving:ResolvingReactor",
        ThreadedResolver=f"{_LEGACY}.resolvers:ThreadedResolver",
        _ThreePhaseEvent="plait.engine.events:ThreePhaseEvent",
    ),
    "twisted.internet.defer": _row("plait.deferred", f"{_LEGACY}.defer"),
    "twisted.internet.endpoints": _row(
        "plait.endpoints",
        clientFromString=f"{_LEGACY}.endpoints:clientFromString",
        serverFromString=f"{_LEGACY}.endpoints:serverFromString",
        **_each("tlsendpoints", "wrapClientTLS wrapServerTLS"),
        **_each("sni", "SNIConnectionCreator autoReloadingDirectoryOfPEMs"),
        _TLSServerEndpoint=f"{_LEGACY}.tlsendpoints:TLSServerEndpoint",
        _loadCAsFromDir=f"{_LEGACY}.tlsendpoints:authorities_in",
        _SimpleHostnameResolver=f"{_LEGACY}.endpoints:FunctionResolver",
        _parse="plait.endpoints.strings:parse",
        _parseServer=f"{_LEGACY}.endpoints:parse_server",
        _StandardIOParser=f"{_LEGACY}.endpoints:StandardIOParser",
        _SystemdParser=f"{_LEGACY}.endpoints:SystemdParser",
        _TCP6ServerParser=f"{_LEGACY}.endpoints:TCP6ServerParser",
        _WrapIProtocol="plait.endpoints.process:ConnectedProcess",
        _ProcessEndpointTransport="plait.endpoints.process:ProcessStream",
        _WrapperEndpoint="plait.endpoints.wrapping:WrapperEndpoint",
        _WrapperServerEndpoint="plait.endpoints.wrapping:WrapperServerEndpoint",
        _WrappingFactory="plait.endpoints.joining:JoiningFactory",
        _WrappingProtocol="plait.endpoints.joining:JoiningProtocol",
    ),
    "twisted.internet.error": _row("plait.errors"),
    "twisted.internet.fdesc": _row(f"{_LEGACY}.fdesc"),
    "twisted.internet.inotify": _row(f"{_LEGACY}.inotify", _FLAG_TO_HUMAN=f"{_LEGACY}.inotify:_FLAG_TO_HUMAN"),
    "twisted.internet.interfaces": _row(
        "plait.interfaces",
        IServiceCollection="plait.service.interfaces:IServiceCollection",
        _ISupportsExitSignalCapturing="plait.interfaces.reactor:_ISupportsExitSignalCapturing",
    ),
    "twisted.internet.main": _row(f"{_LEGACY}.main"),
    "twisted.internet.process": _row(
        f"{_LEGACY}.process",
        "plait.transport.process",
        only="Process _getFileActions _listOpenFDs reapAllProcesses reapProcessHandlers",
        PTYProcess="plait.transport.process:TerminalProcess",
        ProcessReader="plait.transport.pipes:PipeReader",
        ProcessWriter="plait.transport.pipes:PipeWriter",
    ),
    "twisted.internet.protocol": _row(
        "plait.protocol",
        f"{_LEGACY}.adapters",
        only="""
            AbstractDatagramProtocol BaseProtocol ClientCreator ClientFactory ConnectedDatagramProtocol
            ConsumerToProtocolAdapter DatagramProtocol Factory FileWrapper ProcessProtocol Protocol
            ProtocolToConsumerAdapter ReconnectingClientFactory ServerFactory connectionDone
        """,
        _InstanceFactory="plait.protocol.clients:_InstanceFactory",
    ),
    "twisted.internet._idna": _row(
        _idnaBytes=f"{_LEGACY}.idna:host_as_ascii", _idnaText=f"{_LEGACY}.idna:host_as_text"
    ),
    "twisted.internet._resolver": _row(
        f"{_LEGACY}.resolvers",
        only="FirstOneWins GAIResolver",
        ComplexResolverSimplifier="plait.transport.names:ToSimpleResolver",
        SimpleResolverComplexifier="plait.transport.names:FromSimpleResolver",
    ),
    "twisted.internet._sslverify": _row(
        *_TLS,
        only="""
            CertBase Certificate CertificateRequest ClientTLSOptions DN DistinguishedName IOpenSSLTrustRoot KeyPair
            OpenSSLAcceptableCiphers OpenSSLCertificateAuthorities OpenSSLCertificateOptions OpenSSLCipher
            OpenSSLDefaultPaths OpenSSLDiffieHellmanParameters PeerVerifyError PrivateCertificate
            ProtocolNegotiationSupport PublicKey TLSVersion VerificationError VerifyError optionsForClientTLS
            platformTrust protocolNegotiationMechanisms trustRootFromCertificates
        """,
        ICipher="plait.interfaces:ICipher",
        SSL="OpenSSL:SSL",
        _ChooseDiffieHellmanEllipticCurve=_PRIVATE,
        _expandCipherString=f"{_LEGACY}.tlsciphers:expand",
        _verifyCB=f"{_LEGACY}.tlsclients:verifying",
    ),
    "twisted.internet.ssl": replace(
        _row(
            f"{_LEGACY}.tlscontexts",
            *_TLS,
            only="""
                AcceptableCiphers Certificate CertificateOptions CertificateRequest ClientContextFactory ContextFactory DN
                DefaultOpenSSLContextFactory DiffieHellmanParameters DistinguishedName KeyPair OpenSSLDefaultPaths
                PrivateCertificate ProtocolNegotiationSupport TLSVersion VerificationError optionsForClientTLS
                platformTrust protocolNegotiationMechanisms trustRootFromCertificates
            """,
            supported="plait.transport.tls:supported",
        ),
        deprecated={
            "ProtocolNegotiationSupport": (
                Version("Twisted", 26, 10, 0),
                "All supported TLS backends provide ALPN. There is no need to check for support.",
            )
        },
    ),
    "twisted.internet.serialport": _row(
        "plait.transport.serial",
        only="""
            EIGHTBITS FIVEBITS PARITY_EVEN PARITY_NONE PARITY_ODD SEVENBITS SIXBITS STOPBITS_ONE STOPBITS_TWO SerialPort
            serial
        """,
    ),
    "twisted.internet.stdio": _row("plait.transport.stdio"),
    "twisted.internet.task": _row("plait.task", _theCooperator="plait.task.cooperate:_cooperator"),
    "twisted.internet.tcp": _row(
        "plait.transport",
        only="Connection Connector makeBinding",
        Client="plait.transport:Connection",
        ECONNABORTED="errno:ECONNABORTED",
        EINPROGRESS="errno:EINPROGRESS",
        EWOULDBLOCK="errno:EWOULDBLOCK",
        _NUMERIC_ONLY="socket:AI_NUMERICHOST",
        _BuffersLogs=_PRIVATE,
        _FileDescriptorReservation=_PRIVATE,
        _IFileDescriptorReservation=_PRIVATE,
        _NullFileDescriptorReservation=_PRIVATE,
        _resolveIPv6=f"{_LEGACY}.tcp:numericAddress",
        Port=f"{_LEGACY}.tcp:Port",
        Server="plait.transport:Connection",
    ),
    "twisted.internet.testing": _TESTING,
    "twisted.internet.threads": _row(
        "plait.engine", only="blockingCallFromThread callMultipleInThread deferToThread deferToThreadPool"
    ),
    "twisted.internet.unix": _row(
        Client="plait.transport.unixstream:UNIXConnection",
        ConnectedDatagramPort="plait.transport.unixdatagram:ConnectedUNIXDatagramPort",
        Connector="plait.transport.unix:UNIXConnector",
        DatagramPort="plait.transport.unixdatagram:UNIXDatagramPort",
        Port="plait.transport.unix:UNIXPort",
        Server="plait.transport.unixstream:UNIXConnection",
    ),
    "twisted.internet.udp": _row(
        MulticastPort="plait.transport:MulticastPort",
        Port="plait.transport:UDPPort",
        _sockErrReadIgnore="plait.transport.datagram:READ_IGNORED",
        _sockErrReadRefuse="plait.transport.datagram:READ_REFUSED",
    ),
    "twisted.internet.utils": _row(
        "plait.engine",
        f"{_LEGACY}.warned",
        only="getProcessOutput getProcessOutputAndValue getProcessValue runWithWarningsSuppressed suppressWarnings",
    ),
    "twisted.internet.asyncioreactor": _reactors("AsyncioSelectorReactor"),
    "twisted.internet.default": _reactors(),
    "twisted.internet.epollreactor": _reactors("EPollReactor"),
    "twisted.internet.gireactor": _on_glib("GIReactor PortableGIReactor"),
    "twisted.internet.gtk3reactor": _on_glib("Gtk3Reactor PortableGtk3Reactor"),
    "twisted.internet.iocpreactor": _reactors(),
    "twisted.internet.iocpreactor.reactor": _reactors("IOCPReactor"),
    "twisted.internet.kqreactor": _reactors("KQueueReactor"),
    "twisted.internet.pollreactor": _reactors("PollReactor"),
    "twisted.internet.selectreactor": _reactors("SelectReactor"),
    # Protocols
    "twisted.protocols": _row(),
    "twisted.protocols.basic": _row(
        "plait.protocol",
        only="""
            FileSender Int16StringReceiver Int32StringReceiver Int8StringReceiver IntNStringReceiver
            LineOnlyReceiver LineReceiver NetstringParseError NetstringReceiver StatefulStringProtocol
            StringTooLongError
        """,
        _PauseableMixin="plait.protocol.framing:PauseableMixin",
    ),
    "twisted.protocols.finger": _row(f"{_LEGACY}.finger"),
    "twisted.protocols.haproxy": _row(),
    "twisted.protocols.haproxy._exceptions": _row(
        "plait.transport.haproxy", only="InvalidNetworkProtocol InvalidProxyHeader MissingAddressData"
    ),
    "twisted.protocols.haproxy._info": _row("plait.transport.haproxy", only="ProxyInfo"),
    "twisted.protocols.haproxy._parser": _row(
        HAProxyServerParser=f"{_LEGACY}.endpoints:HAProxyServerParser",
        unparseEndpoint=f"{_LEGACY}.endpoints:unparse",
    ),
    "twisted.protocols.haproxy._v1parser": _row("plait.transport.haproxy", only="V1Parser"),
    "twisted.protocols.haproxy._v2parser": _row("plait.transport.haproxy", only="V2Parser"),
    "twisted.protocols.haproxy._wrapper": _row(
        "plait.transport.haproxy", only="HAProxyProtocolWrapper HAProxyWrappingFactory"
    ),
    "twisted.protocols.htb": _row(f"{_LEGACY}.htb"),
    "twisted.protocols.ident": _row("plait.protocol.ident"),
    "twisted.protocols.loopback": _row(f"{_LEGACY}.loopback"),
    "twisted.protocols.memcache": _row("plait.protocol.memcache"),
    "twisted.protocols.pcp": _row(f"{_LEGACY}.pcp"),
    "twisted.protocols.policies": _row("plait.protocol.policies"),
    "twisted.protocols._sni": _row(f"{_LEGACY}.sni"),
    "twisted.protocols._tls_legacy": _row(f"{_LEGACY}.tlsfactories", only="LegacyContextFactoryWarning"),
    "twisted.protocols.tls": _row(
        f"{_LEGACY}.tls",
        _AggregateSmallWrites=f"{_LEGACY}.tlsproducers:AggregateSmallWrites",
        _ProducerMembrane=f"{_LEGACY}.tlsproducers:ProducerMembrane",
        _PullToPush=f"{_LEGACY}.tlsproducers:PullToPush",
    ),
    "twisted.protocols.portforward": _row(
        "plait.protocol.proxy", only="Proxy ProxyClient ProxyClientFactory ProxyFactory ProxyServer"
    ),
    "twisted.protocols.postfix": _row(f"{_LEGACY}.postfix"),
    "twisted.protocols.shoutcast": _row(f"{_LEGACY}.shoutcast"),
    "twisted.protocols.socks": _row(f"{_LEGACY}.socks"),
    "twisted.protocols.stateful": _row("plait.protocol", only="StatefulProtocol"),
    "twisted.protocols.wire": _row(f"{_LEGACY}.wire"),
    # Applications
    "twisted.application": _row(),
    "twisted.application.app": _row(
        f"{_LEGACY}.app", f"{_LEGACY}.apprunner", _exitWithSignal=f"{_LEGACY}.apprunner:exit_with_signal"
    ),
    "twisted.application.internet": _row(
        "plait.service",
        only="""
            CooperatorService MulticastServer SSLClient SSLServer StreamServerEndpointService TCPClient TCPServer TimerService
            UDPServer UNIXClient UNIXDatagramClient UNIXDatagramServer UNIXServer ClientService backoffPolicy
        """,
    ),
    "twisted.application.reactors": _row(f"{_LEGACY}.reactorplugins"),
    "twisted.application.runner": _row(),
    "twisted.application.runner._exit": _row(
        f"{_LEGACY}.runnerexit",
        **_each("runnerexit", "stderr stdout sysexit"),
    ),
    "twisted.application.runner._pidfile": _row(f"{_LEGACY}.runnerpidfile", kill=f"{_LEGACY}.runnerpidfile:kill"),
    "twisted.application.service": _row(
        "plait.service",
        f"{_LEGACY}.application",
        only="""
            Application IProcess IService IServiceCollection IServiceMaker MultiService Process Service
            ServiceMaker loadApplication
        """,
    ),
    "twisted.application.strports": _row(f"{_LEGACY}.strports"),
    # The web
    "twisted.web": _row(),
    "twisted.web.client": _row("plait.web.client"),
    "twisted.web._responses": _row(f"{_LEGACY}.webstatus", _CONTINUE=f"{_LEGACY}.webstatus:_CONTINUE"),
    "twisted.web.http": _row(
        f"{_LEGACY}.webhttp",
        f"{_LEGACY}.webdates",
        f"{_LEGACY}.webchunks",
        f"{_LEGACY}.webstatus",
        only="""
            BAD_GATEWAY BAD_REQUEST CONFLICT CREATED ACCEPTED EXPECTATION_FAILED FORBIDDEN FOUND GATEWAY_TIMEOUT GONE
            HTTP_VERSION_NOT_SUPPORTED IM_A_TEAPOT INSUFFICIENT_STORAGE_SPACE INTERNAL_SERVER_ERROR LENGTH_REQUIRED
            MOVED_PERMANENTLY MULTIPLE_CHOICE MULTI_STATUS NON_AUTHORITATIVE_INFORMATION NOT_ACCEPTABLE NOT_ALLOWED
            NOT_EXTENDED NOT_FOUND NOT_IMPLEMENTED NOT_MODIFIED NO_BODY_CODES NO_CONTENT OK PARTIAL_CONTENT PAYMENT_REQUIRED
            PERMANENT_REDIRECT PRECONDITION_FAILED PROXY_AUTH_REQUIRED REQUESTED_RANGE_NOT_SATISFIABLE
            REQUEST_ENTITY_TOO_LARGE REQUEST_TIMEOUT REQUEST_URI_TOO_LONG RESET_CONTENT RESPONSES SEE_OTHER
            SERVICE_UNAVAILABLE SWITCHING TEMPORARY_REDIRECT UNAUTHORIZED UNSUPPORTED_MEDIA_TYPE USE_PROXY
            HTTPChannel HTTPClient HTTPFactory PotentialDataLoss Request combinedLogFormatter datetimeToLogString
            datetimeToString fromChunk maxChunkSizeLineLength parseContentRange proxiedLogFormatter stringToDatetime timegm
            toChunk
        """,
        CACHED="plait.web.request:CACHED",
        H2_ENABLED=f"{_LEGACY}.webhttp:H2_ENABLED",
        Headers="plait.web.headers:Headers",
        parse_qs="plait.web.forms:parse_qs",
        StringTransport=f"{_LEGACY}.webhttp:StringTransport",
        urlparse=f"{_LEGACY}.webhttp:urlparse",
        _CONTINUE=f"{_LEGACY}.webstatus:_CONTINUE",
        _ChunkedTransferDecoder=f"{_LEGACY}.webchunks:ChunkedTransferDecoder",
        _DataLoss=f"{_LEGACY}.webchunks:DataLoss",
        _GenericHTTPChannelProtocol=f"{_LEGACY}.webhttp:HTTPChannel",
        _IDeprecatedHTTPChannelToRequestInterface=f"{_LEGACY}.webinterfaces:IChannelRequest",
        _IdentityTransferDecoder=f"{_LEGACY}.webchunks:IdentityTransferDecoder",
        _MalformedChunkedDataError=f"{_LEGACY}.webchunks:MalformedChunkedDataError",
        _genericHTTPChannelProtocolFactory=f"{_LEGACY}.webhttp:make_channel",
    ),
    "twisted.web.proxy": _row(f"{_LEGACY}.webproxy"),
    "twisted.web.script": _row(f"{_LEGACY}.webscript"),
    "twisted.web.server": _row(
        f"{_LEGACY}.webserver",
        "plait.web.request",
        "plait.web.session",
        "plait.web.error",
        only="Request Session Site UnsupportedMethod supportedMethods version",
        NOT_DONE_YET="plait.web.later:NOT_DONE_YET",
        datetimeToString=f"{_LEGACY}.webdates:datetimeToString",
        GzipEncoderFactory="plait.web.encoding:GzipEncoderFactory",
        _GzipEncoder="plait.web.encoding:GzipEncoder",
    ),
    "twisted.web.static": _row(
        "plait.web.static",
        f"{_LEGACY}.webfiles",
        only="Data DirectoryLister File Registry addSlash formatFileSize getTypeAndEncoding isDangerous loadMimeTypes",
    ),
    "twisted.web.wsgi": _row("plait.web.wsgi", only="WSGIResource"),
    "twisted.web._abnf": _row(
        _decint=f"{_LEGACY}.abnf:decimal",
        _hexint=f"{_LEGACY}.abnf:hexadecimal",
        _ishexdigits=f"{_LEGACY}.abnf:is_hexadecimal",
        _istoken=f"{_LEGACY}.abnf:is_token",
    ),
    "twisted.web._auth": _row(),
    "twisted.web._auth.basic": _row("plait.web.guard", only="BasicCredentialFactory"),
    "twisted.web._auth.digest": _row("plait.web.guard", only="DigestCredentialFactory"),
    "twisted.web._auth.wrapper": _row("plait.web.guard", only="HTTPAuthSessionWrapper UnauthorizedResource"),
    "twisted.web._element": _row(f"{_TEMPLATE}.element", only="Element Expose UnexposedMethodError renderer"),
    "twisted.web._flatten": _row(f"{_TEMPLATE}.flattening"),
    "twisted.web._stan": _row(f"{_TEMPLATE}.tree", only="CDATA CharRef Comment Tag slot voidElements"),
    "twisted.web.error": _row(
        "plait.web.error",
        f"{_TEMPLATE}.errors",
        _codeToMessage="plait.web.error:phrase",
    ),
    "twisted.web.guard": _row(
        "plait.web.guard", only="BasicCredentialFactory DigestCredentialFactory HTTPAuthSessionWrapper"
    ),
    "twisted.web.html": _row(f"{_LEGACY}.html"),
    "twisted.web.http_headers": _row(
        "plait.web.headers",
        only="Headers InvalidHeaderName",
        _nameEncoder="plait.web.headers:names",
        _sanitizeLinearWhitespace="plait.web.headers:sanitize",
    ),
    "twisted.web.iweb": _row(
        f"{_TEMPLATE}.interfaces",
        "plait.web.guard",
        f"{_LEGACY}.webinterfaces",
        only="""
            IAccessLogFormatter IAgent IAgentEndpointFactory IBodyProducer IClientRequest ICredentialFactory
            INonQueuedRequestFactory IPolicyForHTTPS IRenderable IRequest IResponse ITemplateLoader IUsernameDigestHash
            UNKNOWN_LENGTH
        """,
        _IRequestEncoder="plait.web.interfaces:IRequestEncoder",
        _IRequestEncoderFactory="plait.web.interfaces:IRequestEncoderFactory",
    ),
    "twisted.web.pages": _row(
        "plait.web.pages", only="errorPage forbidden notFound", _ErrorPage="plait.web.pages:ErrorPage"
    ),
    "twisted.web.resource": _row(
        "plait.web.resource",
        f"{_LEGACY}.webpages",
        EncodingResourceWrapper="plait.web.encoding:EncodingResourceWrapper",
        FORBIDDEN=f"{_LEGACY}.webstatus:FORBIDDEN",
        NOT_FOUND=f"{_LEGACY}.webstatus:NOT_FOUND",
        _computeAllowedMethods="plait.web.resource:_computed",
        _UnsafeErrorPage=f"{_LEGACY}.webpages:ErrorPage",
        _UnsafeForbiddenResource=f"{_LEGACY}.webpages:ForbiddenResource",
        _UnsafeNoResource=f"{_LEGACY}.webpages:NoResource",
    ),
    "twisted.web.rewrite": _row("plait.web.rewrite"),
    "twisted.web.template": _row(
        _TEMPLATE,
        only="""
            CDATA CharRef Comment Element Flattenable TEMPLATE_NAMESPACE Tag TagLoader VALID_HTML_TAG_NAMES XMLFile XMLString
            flatten flattenString renderElement renderer slot tags
        """,
        _NSContext=_PRIVATE,
        _TagFactory=f"{_TEMPLATE}.vocabulary:TagFactory",
        _ToStan=_PRIVATE,
    ),
    "twisted.web.twcgi": _row("plait.web.cgi"),
    "twisted.web.util": _row(
        "plait.web.redirects",
        f"{_TEMPLATE}.failures",
        only="DeferredResource FailureElement ParentRedirect Redirect formatFailure redirectTo",
        _FrameElement=f"{_TEMPLATE}.failures:FrameElement",
        _SourceFragmentElement=f"{_TEMPLATE}.failures:SourceFragmentElement",
        _SourceLineElement=f"{_TEMPLATE}.failures:SourceLineElement",
        _StackElement=f"{_TEMPLATE}.failures:StackElement",
    ),
    "twisted.web.vhost": _row(
        "plait.web.vhost", only="NameVirtualHost VHostMonsterResource", _HostResource="plait.web.vhost:HostResource"
    ),
    "twisted.web.xmlrpc": _row(
        "plait.web.xmlrpc",
        only="""
            Binary Boolean DateTime Fault Handler NoSuchFunction Proxy QueryFactory QueryProtocol XMLRPC XMLRPCIntrospection
            addIntrospection payloadTemplate withRequest
        """,
        xmlrpclib="xmlrpc:client",
    ),
    # Tests
    "twisted.web.test": _row(),
    "twisted.web.test.requesthelper": _row(f"{_LEGACY}.webtesting"),
    "twisted.test": _row(),
    "twisted.test.iosim": _row("plait.testing.pumps"),
    "twisted.test.proto_helpers": _TESTING,
    "twisted.test.testutils": _row(f"{_LEGACY}.testutils"),
    "twisted.scripts": _row(),
    "twisted.scripts._twistd_unix": _row(
        f"{_LEGACY}.twistdunix", os=f"{_LEGACY}.twistdunix:os", switchUID=f"{_LEGACY}.twistdunix:switchUID"
    ),
    "twisted.scripts.twistd": _row(
        f"{_LEGACY}.twistd", _SomeApplicationRunner=f"{_LEGACY}.twistd:_SomeApplicationRunner"
    ),
    "twisted.scripts.trial": _row(
        f"{_LEGACY}.trial",
        reflect=f"{_LEGACY}.trial:reflect",
        __file__=f"{_LEGACY}.trial:__file__",
        _parseLocalVariables=f"{_RUNNER}.testmodule:parse_variables",
    ),
    "twisted.trial": _row(),
    "twisted.trial.__main__": _row(f"{_LEGACY}.trial_main", __file__=f"{_LEGACY}.trial_main:__file__"),
    "twisted.trial._dist": _row(),
    "twisted.trial._dist.disttrial": _row(DistTrialRunner=f"{_RUNNER}.jobs:JobsRunner"),
    "twisted.trial._dist.functional": _row(f"{_LEGACY}.trialnames", only="compose"),
    "twisted.trial.itrial": _row(f"{_RUNNER}.interfaces", only="IReporter ITestCase"),
    "twisted.trial.reporter": _row(
        f"{_RUNNER}.reporters",
        f"{_RUNNER}.tree",
        f"{_RUNNER}.result",
        f"{_RUNNER}.wrappers",
        f"{_RUNNER}.terminal",
        f"{_LEGACY}.trialnames",
        only="""
            MinimalReporter Reporter SafeStream SubunitReporter TestProtocolClient TestResult TextReporter
            TimingTextReporter TreeReporter UncleanWarningsReporterWrapper VerboseTextReporter
        """,
        _AdaptedReporter=f"{_LEGACY}.trialnames:AdaptedReporter",
        _AnsiColorizer=f"{_RUNNER}.terminal:AnsiColorizer",
        _ExitWrapper=f"{_RUNNER}.wrappers:ExitWrapper",
        __file__=f"{_RUNNER}.wrappers:__file__",
    ),
    "twisted.trial.runner": _row(
        f"{_LEGACY}.trialnames",
        f"{_RUNNER}.loading",
        f"{_RUNNER}.finding",
        f"{_RUNNER}.suites",
        f"{_RUNNER}.running",
        only="""
            DestructiveTestSuite ErrorHolder LoggedSuite NOT_IN_TEST TestHolder TestLoader TestSuite TrialRunner
            filenameToModule isPackage isTestCase name samefile
        """,
        TrialSuite=f"{_RUNNER}.suites:TestSuite",
        _Runner=f"{_RUNNER}.running:TrialRunner",
        _qualNameWalker=f"{_RUNNER}.finding:walk_name",
    ),
    "twisted.trial.unittest": _row(
        "plait.testing.case",
        f"{_LEGACY}.trialcase",
        TestSuite=f"{_RUNNER}.suites:TestSuite",
        _LogObserver=f"{_LEGACY}.trialcase:LogObserver",
    ),
    "twisted.trial.util": _row(
        "plait.testing.case",
        "plait.testing.marks",
        f"{_LEGACY}.trialutil",
        only="""
            DEFAULT_TIMEOUT_DURATION DirtyReactorAggregateError acquireAttribute excInfoOrFailureToExcInfo openTestLog
            profiled suppress
        """,
        _Janitor=f"{_LEGACY}.trialutil:Janitor",
        _NoTrialMarker=f"{_LEGACY}.trialutil:NoMarkerError",
        _WorkingDirectoryBusy=f"{_RUNNER}.folder:FolderBusyError",
        _listToPhrase=f"{_LEGACY}.trialutil:list_to_phrase",
        _removeSafely=f"{_LEGACY}.trialutil:remove_safely",
    ),
    "twisted.trial._asyncrunner": _row(
        f"{_LEGACY}.trialcase",
        only="TestDecorator decorate",
        TestSuite=f"{_RUNNER}.suites:TestSuite",
        _ForceGarbageCollectionDecorator=f"{_LEGACY}.trialcase:CollectingTest",
        _clearSuite=f"{_LEGACY}.trialcase:clear_suite",
        _iterateTests=f"{_RUNNER}.suites:iterate",
    ),
    "twisted.trial._asynctest": _row("plait.testing.case", only="TestCase"),
    "twisted.trial._synctest": _row(
        "plait.testing.case",
        f"{_LEGACY}.trialcase",
        only="FailTest PyUnitResultAdapter SkipTest SynchronousTestCase Todo makeTodo",
        _Assertions="plait.testing.asserts:Assertions",
        _LogObserver=f"{_LEGACY}.trialcase:LogObserver",
        _Warning=f"{_LEGACY}.trialcase:CollectedWarning",
        _collectWarnings=f"{_LEGACY}.trialcase:collect_warnings",
        _logObserver=f"{_LEGACY}.trialcase:the_observer",
        _setWarningRegistryToNone=f"{_LEGACY}.trialcase:forget_warnings_given",
    ),
}
# --8<-- [end:table]
