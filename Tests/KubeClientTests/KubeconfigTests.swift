import Testing
import Transport

@testable import KubeClient

@Suite("A kubeconfig file")
struct KubeconfigTests {
    let text = """
        apiVersion: v1
        kind: Config
        current-context: here
        contexts:
        - name: there
          context: {cluster: other, user: other}
        - name: here
          context: {cluster: local, user: admin}
        clusters:
        - name: local
          cluster:
            server: https://127.0.0.1:6443/some/prefix/
            certificate-authority-data: Q0E=
        users:
        - name: admin
          user:
            client-certificate-data: Q0VSVA==
            client-key-data: S0VZ
            token: secret
        """

    @Test("tells where the cluster is and who we are, by its current context")
    func reads() throws {
        let config = try Kubeconfig(text: text, folder: "")
        #expect(config.host == "127.0.0.1" && config.port == 6443)
        #expect(config.pathPrefix == "/some/prefix")
        #expect(config.tls?.serverCAsPEM == Array("CA".utf8))
        #expect(config.tls?.certificateChainPEM == Array("CERT".utf8))
        #expect(config.tls?.privateKeyPEM == Array("KEY".utf8))
        #expect(config.bearerToken == "secret")
    }

    @Test("is refused with the place that is wrong", arguments: [
        ("current-context: here", "current-context: nowhere", "contexts: no entry \"nowhere\""),
        ("current-context: here", "", "current-context: not set"),
        ("https://127", "127", "does not begin with https://"),
        (":6443", ":many", "has no port that is a number"),
        ("Q0E=", "x$x", "certificate-authority-data: not base64"),
        ("client-key-data: S0VZ", "client-key: /no/such", "client-key: cannot read /no/such"),
        ("server:", "insecure-skip-tls-verify: true\n    server:", "insecure-skip-tls-verify"),
    ])
    func refuses(_ part: String, _ wrong: String, _ reason: String) {
        let broken = text.replacing(part, with: wrong)
        let error = #expect(throws: KubeconfigError.self) {
            try Kubeconfig(text: broken, folder: "")
        }
        #expect(error?.description.contains(reason) == true)
    }

    @Test("may name an IPv6 address, and no port")
    func servers() throws {
        let six = try ServerURL("https://[::1]:6443")
        #expect(six.host == "::1" && six.port == 6443 && six.path == "")
        #expect(try ServerURL("https://[::1]").port == 443)
        #expect(try ServerURL("http://api.example.com/").host == "api.example.com")
    }
}
