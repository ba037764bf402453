/// A frame from another member that was not taken, and changed nothing. Its text is one sentence.
public struct FrameRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// It belongs to another cluster.
        case otherCluster(UInt64, ours: UInt64)
        /// It is no frame that this program knows; of this kind, if that is what it does not know.
        case unreadable(kind: UInt64?)
    }

    /// What the member is called that the connection has proven to be there.
    public let sender: String
    public let reason: Reason

    public var description: String {
        let member = sender.isEmpty ? "a member" : "member \(sender)"
        switch reason {
        case .otherCluster(let other, let ours):
            return "\(member) is of another cluster (number \(other); this one's is \(ours)), so "
                + "nothing is taken from it: check its --initial-cluster and its data directory"
        case .unreadable(let kind?):
            return "\(member) sends frames of kind \(kind), which this version does not know, so "
                + "they are refused: it is newer, and this member is to be upgraded"
        case .unreadable(nil):
            return "\(member) sends frames that cannot be read, so they are refused: its version "
                + "and this one's do not go together"
        }
    }
}
