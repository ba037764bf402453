import CSchedulerABI
import Foundation
import StrategyHost
import Testing

@Suite struct LoadingAStrategy {
    @Test(arguments: ["spread", "bin-packing", "affinity"])
    func saysWhatItIs(id: String) throws {
        let directory = try PluginDirectory(id)
        let strategy = try directory.load(id)
        #expect(strategy.id == id)
        #expect(strategy.version == "1.0.0")
        #expect(strategy.sha256.count == 64)
        #expect(PluginLoader(directory: directory.path).available() == [id])
    }

    @Test(arguments: [
        (#"{}"#, nil),
        (#" { "podTopologySpread" : 5, "nodeAffinity":0 } "#, nil),
        (#"{"other": 1}"#, "the configuration has an unknown setting"),
        (#"{"nodeAffinity": 101}"#, "a setting is not between 0 and 100"),
        (#"{"nodeAffinity": 18446744073709551617}"#, "a setting is not between 0 and 100"),
        (#"{"nodeAffinity": "1"}"#, "the configuration is not an object of whole numbers"),
        (#"{"nodeAffinity": 1"#, "the configuration is not an object of whole numbers"),
        (#"{"nodeAffinity"#, "the configuration is not an object of whole numbers"),
        (#"{} {}"#, "something follows the configuration"),
        (#"[]"#, "the configuration is not a JSON object"),
        (#""#, "the configuration is not a JSON object"),
    ])
    func readsItsConfiguration(config: String, complaint: String?) throws {
        let expected = complaint.map { "strategy spread refuses its configuration: \($0)" }
        #expect(try PluginDirectory("spread").refusal("spread", config: config) == expected)
    }

    @Test func refusesWhatIsNotThere() throws {
        let directory = try PluginDirectory("spread")
        #expect(directory.refusal("binpacking")
            == "there is no strategy binpacking in DIR, which has spread")
        #expect(try PluginDirectory().refusal("spread")
            == "there is no strategy spread in DIR, which has none")
        let words = "a strategy's name is made of at most 63 lower-case letters, digits and hyphens"
        for name in ["", "../spread", "Spread", "-x", String(repeating: "a", count: 64)] {
            #expect(directory.refusal(name) == words)
        }
    }

    @Test func refusesFilesThatOthersMayChange() throws {
        #expect(try PluginDirectory("spread", mode: 0o777).refusal("spread")
            == "DIR/libmartlet-spread.so may be written to by others than its owner")
        #expect(try PluginDirectory("spread", mode: 0o775).refusal("spread")
            == "DIR/libmartlet-spread.so may be written to by others than its owner")
        let directory = try PluginDirectory()
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/libmartlet-folder.so", withIntermediateDirectories: true)
        #expect(directory.refusal("folder") == "DIR/libmartlet-folder.so is not a regular file")
    }

    @Test func refusesWhatIsNoLibrary() throws {
        let directory = try PluginDirectory("spread") { $0 = Array("no library".utf8) }
        let refusal = try #require(directory.refusal("spread"))
        #expect(refusal.hasPrefix("strategy spread can't be loaded: "))
    }

    /// Changes two bytes of the exported constant, counted from its magic number.
    private func changed(_ offset: Int, to value: UInt16) throws -> String? {
        let directory = try PluginDirectory("misbehaving") { bytes in
            // Its size, and the magic number.
            let beginning = [120, 0, 0, 0] + Array("MSCH".utf8)
            for start in 4..<(bytes.count - 8) where bytes[start] == beginning[4]
                && Array(bytes[(start - 4)..<(start + 4)]) == beginning {
                bytes[start + offset] = UInt8(truncatingIfNeeded: value)
                bytes[start + offset + 1] = UInt8(truncatingIfNeeded: value >> 8)
            }
        }
        return directory.refusal("misbehaving")
    }

    @Test func refusesOtherVersionsOfTheInterface() throws {
        #expect(try changed(0, to: 0) == "strategy misbehaving is no scheduling strategy: "
            + "its magic number is wrong")
        let speaks = "strategy misbehaving speaks version"
        #expect(try changed(4, to: 2) == "\(speaks) 2.0 of the interface, the server 1.0")
        #expect(try changed(6, to: 1) == "\(speaks) 1.1 of the interface, the server 1.0")
        #expect(try changed(-4, to: 64) == "strategy misbehaving exports a constant of 64 bytes, "
            + "which is too short")
    }

    @Test func refusesALibraryUnderAnotherName() throws {
        let directory = try PluginDirectory("spread")
        try FileManager.default.moveItem(atPath: "\(directory.path)/libmartlet-spread.so",
                                         toPath: "\(directory.path)/libmartlet-other.so")
        #expect(directory.refusal("other") == "strategy other calls itself spread")
    }

    @Test func refusesWhatFailsItsOwnTest() throws {
        let directory = try PluginDirectory("misbehaving")
        #expect(directory.refusal("misbehaving", config: "create")
            == "strategy misbehaving refuses its configuration: it was told to")
        #expect(directory.refusal("misbehaving", config: "self-test")
            == "strategy misbehaving fails its own test: it gives no reason")
        #expect(directory.refusal("misbehaving") == nil)
    }

    @Test func knowsTheTextOfItsHeader() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let header = root.appendingPathComponent(
            "Sources/SchedulerPlugins/ABI/include/martlet_scheduler.h")
        let sha256 = Fingerprint.sha256(of: Array(try Data(contentsOf: header)))
        #expect(MARTLET_SCHEDULER_HEADER_SHA256 == sha256,
                "write this number into martlet_scheduler_hash.h")
    }
}

@Suite struct Fingerprints {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
        (String(repeating: "a", count: 1000),
         "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
    ])
    func areThoseOfTheStandard(text: String, sha256: String) {
        #expect(Fingerprint.sha256(of: Array(text.utf8)) == sha256)
    }
}
