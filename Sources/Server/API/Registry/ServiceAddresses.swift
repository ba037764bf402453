import APIErrors
import Kubernetes
import Store
import StoreCore
import Synchronization
import Wire

/// The IPv4 addresses and the ports of nodes that services are given.
public struct ServiceRange: Sendable, CustomStringConvertible {
    let first: UInt32
    let bits: Int
    public static let nodePorts = 30000...32767

    /// Reads `10.0.0.0/24`; nil if it is no IPv4 range of 8 to 30 bits.
    public init?(_ text: String) {
        let halves = text.split(separator: "/")
        guard halves.count == 2, let bits = Int(halves[1]), (8...30).contains(bits),
            let address = parseIPv4(halves[0])
        else { return nil }
        self.bits = bits
        first = address & ~(UInt32.max >> bits)
    }

    /// Addresses, without the network's own and the broadcast's.
    var count: Int { (1 << (32 - bits)) - 2 }
    func contains(_ address: UInt32) -> Bool {
        address > first && address <= first + UInt32(count)
    }
    /// The address of the API server's own service.
    public var kubernetesService: String { formatIPv4(first + 1) }
    public var description: String { "\(formatIPv4(first))/\(bits)" }
}

/// Which addresses and ports services have: what the services in the store say, whichever member
/// wrote them, and what is being given to those that are being written here.
final class ServiceAddresses: Sendable {
    private let range: ServiceRange
    private let state: Mutex<State>

    fileprivate struct State {
        /// For services that are being written.
        var reserved = Taken()
        var services: [String: Taken] = [:]
        /// Every change of a service up to here is known.
        var seen = Revision.none
        /// How many services have an address or a port. Two may, in stores written before there
        /// were claims.
        var addresses: [UInt32: Int] = [:]
        var ports: [Int: Int] = [:]
        var nextAddress: UInt32
        var nextPort: Int
    }

    /// What a service has, or is to have.
    struct Taken {
        fileprivate(set) var addresses: Set<UInt32> = []
        fileprivate(set) var ports: Set<Int> = []
        /// It was free as of this revision.
        fileprivate(set) var seen = Revision.none

        /// What tells one address or port from another, as text.
        var names: [String] {
            addresses.map(formatIPv4) + ports.map { "port-\($0)" }
        }
    }

    /// - Parameter start: Where to look first for what is free: members that look at different
    ///   places seldom find the same.
    init(_ range: ServiceRange, startingAt start: UInt64) {
        self.range = range
        state = Mutex(
            State(
                nextAddress: UInt32(start % UInt64(range.count)),
                nextPort: Int(start % UInt64(ServiceRange.nodePorts.count))))
    }

    /// Takes in the services that are there, and follows what changes.
    func follow(_ registry: Registry) throws(APIError) {
        registry.hub.observe([CoreV1.Service.messageType]) { [weak self] event in
            do throws(APIError) {
                let isGone = event.object == nil
                let tree = try event.shown(as: isGone ? .deleted : .modified).tree()
                self?.note(tree, isGone: isGone, at: event.revision)
            } catch {
                preconditionFailure("a service just written cannot be read: \(error.message)")
            }
        }
        let revision = registry.store.revision
        try registry.forEach(CoreV1.Service.messageType) {
            note($0, isGone: false, at: revision)
        }
        state.withLock { $0.seen = max($0.seen, revision) }
    }

    private func note(_ tree: Message, isGone: Bool, at revision: Revision) {
        guard let service = CoreV1.Service(tree) else { return }
        let key = "\(service.metadata.namespace)/\(service.metadata.name)"
        state.withLock { state in
            state.seen = max(state.seen, revision)
            if let before = state.services.removeValue(forKey: key) { state.count(before, by: -1) }
            guard !isGone else { return }
            let held = Taken(
                addresses: Set(service.spec.clusterIPs.compactMap { parseIPv4($0[...]) }),
                ports: Set(Self.ports(service)))
            state.services[key] = held
            state.count(held, by: 1)
        }
    }

    /// Gives a service what it lacks, and reserves what it asks for.
    ///
    /// - Parameter old: The service as it was, whose addresses are its own already.
    /// - Throws: 422 if what it asks for is taken or out of range, or nothing is left.
    func take(_ tree: inout Message, old: Message? = nil) throws(APIError) -> Taken {
        guard var service = CoreV1.Service(tree) else { return Taken() }
        let before = old.flatMap { CoreV1.Service($0) }
        var taken = Taken(seen: state.withLock { $0.seen })
        do throws(APIError) {
            try takeAddress(&service, before, &taken)
            try takePorts(&service, before, &taken)
        } catch {
            giveBack(taken)
            throw error
        }
        tree = service.tree
        return taken
    }

    /// Does as ``take(_:old:)`` would, and gives it back at once.
    func rehearse(_ tree: inout Message, old: Message? = nil) throws(APIError) {
        giveBack(try take(&tree, old: old))
    }

    /// The service has been written, and so counts by itself, or has not.
    func giveBack(_ taken: Taken) {
        state.withLock { state in
            state.reserved.addresses.subtract(taken.addresses)
            state.reserved.ports.subtract(taken.ports)
        }
    }

    private static func ports(_ service: CoreV1.Service) -> [Int] {
        service.spec.ports.map(\.nodePort).filter { $0 != 0 }
            + (service.spec.healthCheckNodePort == 0 ? [] : [service.spec.healthCheckNodePort])
    }

    private func takeAddress(
        _ service: inout CoreV1.Service, _ before: CoreV1.Service?, _ taken: inout Taken
    ) throws(APIError) {
        guard service.spec.type != "ExternalName", service.spec.clusterIP != "None" else { return }
        if service.spec.clusterIP.isEmpty, let first = service.spec.clusterIPs.first {
            service.spec.clusterIP = first
        }
        if service.spec.clusterIP.isEmpty {
            let address = try freeAddress(service)
            taken.addresses.insert(address)
            service.spec.clusterIP = formatIPv4(address)
        } else if before?.spec.clusterIP != service.spec.clusterIP {
            taken.addresses.insert(try reserve(service))
        }
        if service.spec.clusterIPs.isEmpty { service.spec.clusterIPs = [service.spec.clusterIP] }
    }

    private func reserve(_ service: CoreV1.Service) throws(APIError) -> UInt32 {
        let text = service.spec.clusterIP
        guard let address = parseIPv4(text[...]), range.contains(address) else {
            throw invalid(service, "spec.clusterIPs", "[\"\(text)\"]",
                "failed to allocate IP \(text): the provided IP is not in the valid range. "
                    + "The range of valid IPs is \(range)")
        }
        guard state.withLock({ $0.reserve(address: address) }) else {
            throw invalid(service, "spec.clusterIPs", "[\"\(text)\"]",
                "failed to allocate IP \(text): provided IP is already allocated")
        }
        return address
    }

    private func freeAddress(_ service: CoreV1.Service) throws(APIError) -> UInt32 {
        let free = state.withLock { state -> UInt32? in
            for _ in 0..<range.count {
                let address = range.first + 2 + state.nextAddress % UInt32(range.count - 1)
                state.nextAddress &+= 1
                if state.reserve(address: address) { return address }
            }
            return nil
        }
        guard let free else { throw .failure("failed to allocate a serviceIP: range is full") }
        return free
    }

    private func takePorts(
        _ service: inout CoreV1.Service, _ before: CoreV1.Service?, _ taken: inout Taken
    ) throws(APIError) {
        guard ["NodePort", "LoadBalancer"].contains(service.spec.type),
            service.spec.allocateLoadBalancerNodePorts != false || service.spec.type == "NodePort"
        else { return }
        var own = Set(before.map(Self.ports) ?? [])
        var ports = service.spec.ports
        for index in ports.indices {
            let asked = ports[index].nodePort
            if asked != 0, own.contains(asked) { continue }
            ports[index].nodePort = try port(asked, service, index)
            taken.ports.insert(ports[index].nodePort)
            own.insert(ports[index].nodePort)
        }
        service.spec.ports = ports
        guard service.spec.type == "LoadBalancer", service.spec.externalTrafficPolicy == "Local",
            service.spec.healthCheckNodePort == 0
        else { return }
        service.spec.healthCheckNodePort = try port(0, service, 0)
        taken.ports.insert(service.spec.healthCheckNodePort)
    }

    private func port(
        _ asked: Int, _ service: CoreV1.Service, _ index: Int
    ) throws(APIError) -> Int {
        let field = "spec.ports[\(index)].nodePort"
        let all = ServiceRange.nodePorts
        if asked != 0 {
            guard all.contains(asked) else {
                throw invalid(service, field, "\(asked)",
                    "provided port is not in the valid range. The range of valid ports is "
                        + "\(all.lowerBound)-\(all.upperBound)")
            }
            guard state.withLock({ $0.reserve(port: asked) }) else {
                throw invalid(service, field, "\(asked)", "provided port is already allocated")
            }
            return asked
        }
        let free = state.withLock { state -> Int? in
            for _ in all {
                let port = all.lowerBound + state.nextPort % all.count
                state.nextPort += 1
                if state.reserve(port: port) { return port }
            }
            return nil
        }
        guard let free else { throw .failure("failed to allocate a nodePort: range is full") }
        return free
    }

    private func invalid(
        _ service: CoreV1.Service, _ field: String, _ value: String, _ detail: String
    ) -> APIError {
        .invalid(GroupKind(kind: "Service"), service.metadata.name, causes: [
            APIError.Cause(
                reason: "FieldValueInvalid", message: "Invalid value: \(value): \(detail)",
                field: field)
        ])
    }
}

extension ServiceAddresses.State {
    fileprivate mutating func count(_ held: ServiceAddresses.Taken, by step: Int) {
        for address in held.addresses {
            let count = (addresses[address] ?? 0) + step
            addresses[address] = count == 0 ? nil : count
        }
        for port in held.ports {
            let count = (ports[port] ?? 0) + step
            ports[port] = count == 0 ? nil : count
        }
    }

    /// Returns whether it was free.
    fileprivate mutating func reserve(address: UInt32) -> Bool {
        addresses[address] == nil && reserved.addresses.insert(address).inserted
    }

    /// Returns whether it was free.
    fileprivate mutating func reserve(port: Int) -> Bool {
        ports[port] == nil && reserved.ports.insert(port).inserted
    }
}

func parseIPv4(_ text: Substring) -> UInt32? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var address: UInt32 = 0
    for part in parts {
        guard let byte = UInt8(part), String(byte) == part else { return nil }
        address = address << 8 | UInt32(byte)
    }
    return address
}

func formatIPv4(_ address: UInt32) -> String {
    "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
}
