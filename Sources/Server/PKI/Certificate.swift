internal import COpenSSL

/// An X.509 certificate.
public struct Certificate: Sendable {
    let handle: CertificateHandle

    public init(der: [UInt8]) throws(PKIError) {
        let raw = unsafe der.withUnsafeBufferPointer { bytes in
            var start = bytes.baseAddress
            return unsafe d2i_X509(nil, &start, bytes.count)
        }
        guard let raw = unsafe raw else {
            throw .unreadable("damaged certificate: \(takeOpenSSLReason())")
        }
        unsafe handle = CertificateHandle(owning: raw)
    }

    /// The first certificate of a PEM text.
    public init(pem: [UInt8]) throws(PKIError) {
        guard let first = try Self.all(pem: pem).first else {
            throw .unreadable("no PEM certificate")
        }
        self = first
    }

    init(handle: CertificateHandle) {
        self.handle = handle
    }

    /// Every certificate of a PEM text, in order.
    public static func all(pem: [UInt8]) throws(PKIError) -> [Certificate] {
        var found: [Certificate] = []
        for block in try PEMBlock.all(in: pem) where block.label == "CERTIFICATE" {
            found.append(try Certificate(der: block.der))
        }
        return found
    }

    public func der() throws(PKIError) -> [UInt8] {
        try unsafe bytesWritten("certificate") { unsafe i2d_X509_bio($0, handle.raw) }
    }

    public func pem() throws(PKIError) -> [UInt8] {
        try unsafe bytesWritten("certificate") { unsafe PEM_write_bio_X509($0, handle.raw) }
    }

    /// The subject's last CN: Kubernetes' user name.
    public var commonName: String { subject(NID_commonName).last ?? "" }

    /// The subject's Os in order: Kubernetes' groups.
    public var organizations: [String] { subject(NID_organizationName) }

    /// Seconds since 1970.
    public var notBeforeSeconds: Int64 {
        unsafe martlet_asn1_seconds(X509_get0_notBefore(handle.raw))
    }

    /// Seconds since 1970.
    public var notAfterSeconds: Int64 {
        unsafe martlet_asn1_seconds(X509_get0_notAfter(handle.raw))
    }

    public var isCA: Bool { unsafe X509_check_ca(handle.raw) > 0 }

    public var publicKey: PublicKey {
        get throws(PKIError) {
            guard let raw = unsafe X509_get_pubkey(handle.raw) else {
                throw .unreadable("certificate without a usable key: \(takeOpenSSLReason())")
            }
            return unsafe PublicKey(handle: try KeyHandle(owning: raw))
        }
    }

    /// Whether the certificate is for the holder of `key`.
    public func belongs(to key: PrivateKey) -> Bool {
        defer { ERR_clear_error() }
        return unsafe X509_check_private_key(handle.raw, key.handle.raw) == 1
    }

    /// Whether `issuer`'s key signed it. Says nothing about times and purposes.
    public func isSigned(by issuer: Certificate) throws(PKIError) -> Bool {
        let key = try issuer.publicKey
        defer { ERR_clear_error() }
        return unsafe X509_verify(handle.raw, key.handle.raw) == 1
    }

    /// Whether a server that calls itself so (a DNS name or an IP address) may show it.
    public func isValid(forServer name: String) -> Bool {
        defer { ERR_clear_error() }
        return unsafe X509_check_ip_asc(handle.raw, name, 0) == 1
            || X509_check_host(handle.raw, name, name.utf8.count, 0, nil) == 1
    }

    private func subject(_ attribute: Int32) -> [String] {
        let name = unsafe X509_get_subject_name(handle.raw)
        var found: [String] = []
        var index = unsafe X509_NAME_get_index_by_NID(name, attribute, -1)
        while index >= 0 {
            let entry = unsafe X509_NAME_get_entry(name, index)
            var text: UnsafeMutablePointer<UInt8>?
            let count = unsafe ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
            if count >= 0, let bytes = unsafe text {
                let buffer = unsafe UnsafeBufferPointer(start: bytes, count: Int(count))
                unsafe found.append(String(decoding: buffer, as: UTF8.self))
                unsafe CRYPTO_free(bytes, nil, 0)
            }
            index = unsafe X509_NAME_get_index_by_NID(name, attribute, index)
        }
        return found
    }
}

/// An `X509 *`, freed exactly once. Nobody changes it once it is in here.
@safe final class CertificateHandle: @unchecked Sendable {
    let raw: OpaquePointer

    init(owning raw: OpaquePointer) { unsafe self.raw = raw }
    deinit { unsafe X509_free(raw) }
}
