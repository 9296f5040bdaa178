"""The programs against RPC endpoints that are silent, late, no nodes at all, or have a secret in their address."""

import http.server
import json
import signal
import socket
import threading

from support import Background, FunctionalTest, Paths, free_port, main, wait_until

SECRET = "SECRETPW"
CONTRACTS = ("Token", "Registry", "RunRegistry", "RoundManager", "ScoreLedger", "Emissions", "Authority")


class Stub:
    """An HTTP server on loopback whose answer to a POST is answer(document) -> (content type, body)."""

    def __init__(self, answer, port=0, family=socket.AF_INET):
        host = "127.0.0.1" if family == socket.AF_INET else "::1"

        class Server(http.server.ThreadingHTTPServer):
            address_family = family
            daemon_threads = True

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *unused):
                pass

            def do_POST(self):
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.server.seen.append((self.path, self.headers.get("Authorization")))
                kind, body = answer(document)
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = Server((host, port), Handler)
        self.server.seen = []
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def seen(self):
        return self.server.seen

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def chain_with_id(number):
    def answer(document):
        reply = {"jsonrpc": "2.0", "id": document["id"], "result": hex(number)}
        return "application/json", json.dumps(reply).encode()
    return answer


def web_page(document):
    return "text/html", b"<!DOCTYPE html><title>Just a moment...</title>"


class Silent:
    """Takes connections and never answers."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = threading.Event()
        self.held = []
        threading.Thread(target=self.hold, daemon=True).start()

    def hold(self):
        while True:
            try:
                one, _ = self.socket.accept()
            except OSError:
                return
            self.held.append(one)
            if one.recv(1):
                self.asked.set()

    def close(self):
        self.socket.close()
        for one in self.held:
            one.close()


class EndpointTest(FunctionalTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.node = cls.scratch / "node"
        cls.password = cls.scratch / "password"
        cls.password.write_text("a password\n")
        cls.password.chmod(0o600)
        made = cls.covenant("wallet", "new-hotkey", "hotkey", "--datadir", cls.node, "--password-file", cls.password)
        assert made.code == 0, made

    def network(self, url):
        path = self.scratch / f"{self.id().rsplit('.', 1)[-1]}.json"
        path.write_text(json.dumps({
            "version": 1, "chain_id": 31337, "genesis_hash": "0x" + "11" * 32, "rpc_url": url, "deployed_at": 1,
            "run": "0x" + "22" * 32,
            "contracts": {name: {"address": "0x" + "33" * 20, "code_hash": "0x" + "44" * 32} for name in CONTRACTS}}))
        return path

    def miner(self, command, url):
        return [Paths.program("covenant-miner"), command, "--datadir", self.node, "--network", self.network(url),
                "--password-file", self.password, "--store", self.scratch, "--data", self.scratch]

    def start(self, url, name, command="run"):
        process = Background(self.miner(command, url), self.scratch, self.home, name)
        self.addCleanup(process.stop)
        return process

    def test_term_while_a_silent_node_is_asked(self):
        # A node ends cleanly, a look at what is missing at once.
        for command, code in (("run", 143), ("check", -signal.SIGTERM)):
            with self.subTest(command=command):
                silent = Silent()
                self.addCleanup(silent.close)
                process = self.start(f"http://127.0.0.1:{silent.port}", f"silent-{command}", command)
                self.assertTrue(silent.asked.wait(30), process.tail())
                process.process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(2).code, code)

    def test_a_node_waits_for_its_rpc(self):
        port = free_port()
        process = self.start(f"http://127.0.0.1:{port}", "early")
        wait_until(lambda: "does not answer yet" in process.tail(), 30, "the line that says so", process)
        stub = Stub(chain_with_id(1), port)
        self.addCleanup(stub.close)
        done = process.wait(30)  # it goes on, and sees that the chain is another one
        self.assertEqual(done.code, 5, done)
        self.assertIn("serves chain 1", done.err)

    def test_check_does_not_wait(self):
        url = f"http://127.0.0.1:{free_port()}"
        done = self.covenant(*self.miner("check", url)[1:], program="covenant-miner")
        self.assertEqual(done.code, 4, done)
        self.assertIn("nothing listens there", done.err)

    def test_a_web_page_is_no_node(self):
        stub = Stub(web_page)
        self.addCleanup(stub.close)
        url = f"http://127.0.0.1:{stub.port}"
        self.refused(4, "status", "--network", self.network(url), "--datadir", self.scratch / "reader",
                     words=["is this address a node's?"])
        self.assertGreater(len(stub.seen), 1)  # asked again

    def test_an_ipv6_node_is_asked(self):
        try:
            stub = Stub(chain_with_id(1), family=socket.AF_INET6)
        except OSError as error:
            self.skipTest(f"no IPv6 here: {error}")
        self.addCleanup(stub.close)
        self.refused(5, "status", "--network", self.network(f"http://[::1]:{stub.port}"),
                     "--datadir", self.scratch / "reader", words=["serves chain 1"])

    def test_no_text_has_the_secret_of_the_address(self):
        stub = Stub(chain_with_id(1))
        self.addCleanup(stub.close)
        for port in (stub.port, free_port()):
            url = f"http://user:{SECRET}@127.0.0.1:{port}/v3/{SECRET}?apikey={SECRET}"
            network = self.network(url)
            report = self.scratch / f"report-{port}.json"
            texts = []
            for arguments in (["status"], ["doctor", "--report", report]):
                done = self.covenant(*arguments, "--network", network, "--datadir", self.scratch / "reader")
                self.assertNotEqual(done.code, 0, done)
                texts += [done.out, done.err]
            done = self.covenant(*self.miner("check", url)[1:], program="covenant-miner")
            self.assertNotEqual(done.code, 0, done)
            texts += [done.out, done.err, report.read_text()]
            self.assert_no_secret([SECRET], texts)
            self.assertIn(f"http://127.0.0.1:{port}", "".join(texts))
        self.assertIn((f"/v3/{SECRET}?apikey={SECRET}", "Basic dXNlcjpTRUNSRVRQVw=="), stub.seen)


if __name__ == "__main__":
    main()
