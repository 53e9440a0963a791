"""The embedded broker with SASL, TLS and ACLs, and the certificates for it, made by openssl."""

import os
import subprocess

from broker_server import MILLRACE, Broker

ADMIN = {"sasl.mechanism": "PLAIN", "sasl.username": "admin", "sasl.password": "admin-secret"}
QUIET = {"log_level": 0, "socket.timeout.ms": 5000}
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


class Authority:
    """Signs certificates: <name>.pem and <name>.key in its folder; its own is ca.pem."""

    def __init__(self, folder, subject="/CN=authority"):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", subject,
                      "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))

    def path(self, name):
        return os.path.join(self.folder, name)

    def sign(self, name, subject, days=2):
        """With days below 0 it has expired. Signed for this machine, so that a server may use it too."""
        with open(self.path("extensions"), "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-utf8", "-subj", subject,
                      "-keyout", self.path(name + ".key"), "-out", self.path(name + ".csr"))
        self._openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.pem"), "-CAkey",
                      self.path("ca.key"), "-CAcreateserial", "-days", str(days), "-extfile", self.path("extensions"),
                      "-out", self.path(name + ".pem"))
        with open(self.path(name + ".both"), "w", encoding="ascii") as both:  # As Java wants it.
            for part in (".key", ".pem"):
                with open(self.path(name + part), encoding="ascii") as file:
                    both.write(file.read())
        return {"ssl.certificate.location": self.path(name + ".pem"), "ssl.key.location": self.path(name + ".key")}

    @staticmethod
    def _openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)


class SecureBroker(Broker):
    """Three listeners: plain TCP with SASL, TLS with SASL (its address), TLS alone. ACLs are on; admin may all."""

    def __init__(self, home, settings=()):
        super().__init__(data=str(home), settings=settings)
        self.authority = Authority(self.path("certificates"))
        self.authority.sign("broker", "/CN=localhost/O=millrace")
        self.ca = self.authority.path("ca.pem")
        self.ports = [0, 0, 0]

    def path(self, name):
        return os.path.join(self.data, name)

    def start(self, timeout=20):
        listen = ",".join(f"127.0.0.1:{port}{how}" for port, how in zip(self.ports, ("?sasl", "?tls?sasl", "?tls")))
        args = [MILLRACE, "broker", "--data", self.data, "-c", f"broker.listen={listen}",
                "-c", f"broker.tls_certificate={self.authority.path('broker.pem')}",
                "-c", f"broker.tls_key={self.authority.path('broker.key')}",
                "-c", "broker.users=admin:admin-secret,alice:alice-secret", "-c", "broker.super_users=User:admin",
                "-c", "broker.acls=true"]
        for setting in self.settings:
            args += ["-c", setting]
        self.errors = open(self.path("stderr.log"), "ab")
        self.process = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        lines = [self.process.stdout.readline().decode().strip() for _ in range(3)]
        assert all(lines), self.log()
        self.ports = [int(line.rsplit(":", 1)[1]) for line in lines]
        self.sasl, self.address, self.tls = lines
        self.security = {"security.protocol": "SASL_SSL", "ssl.ca.location": self.ca, **ADMIN}
        return self

    def over_sasl(self, **more):
        return {"bootstrap.servers": self.sasl, "security.protocol": "SASL_PLAINTEXT", **QUIET, **ADMIN, **more}

    def over_tls(self, **more):
        return {"bootstrap.servers": self.address, **QUIET, **self.security, **more}

    def over_tls_alone(self, **more):
        return {"bootstrap.servers": self.tls, "security.protocol": "SSL", "ssl.ca.location": self.ca, **QUIET, **more}


def user(name, password, mechanism="PLAIN"):
    return {"sasl.mechanism": mechanism, "sasl.username": name, "sasl.password": password}
