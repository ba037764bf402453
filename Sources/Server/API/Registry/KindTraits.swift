import Kubernetes
import Wire

/// How the kinds differ in what the registry does with them, where the schema does not say it.
enum KindTraits {
    /// A PUT of what is not there makes it.
    ///
    /// - Source: the strategies of kube-apiserver.
    static func allowsCreateOnUpdate(_ type: MessageType) -> Bool { creating.contains(type) }

    /// An update may leave out the version that it replaces.
    static func allowsUnconditionalUpdate(_ type: MessageType) -> Bool { !insisting.contains(type) }

    /// A deletion answers with the object, where others answer with a Status.
    static func deletionAnswersWithObject(_ type: MessageType) -> Bool { returning.contains(type) }

    private static let creating: Set<MessageType> = [
        CoreV1.Endpoints.messageType, CoreV1.Event.messageType, EventsV1.Event.messageType,
        CoreV1.LimitRange.messageType, CoreV1.Service.messageType,
        CoordinationV1.Lease.messageType, RbacV1.Role.messageType,
        RbacV1.ClusterRole.messageType, RbacV1.RoleBinding.messageType,
        RbacV1.ClusterRoleBinding.messageType, NodeV1.RuntimeClass.messageType,
    ]

    private static let insisting: Set<MessageType> = [
        CoordinationV1.Lease.messageType, PolicyV1.PodDisruptionBudget.messageType,
        ApiextensionsV1.CustomResourceDefinition.messageType,
        ApiregistrationV1.APIService.messageType, StorageV1.CSINode.messageType,
        StorageV1.CSIDriver.messageType, StorageV1.VolumeAttachment.messageType,
        NodeV1.RuntimeClass.messageType,
        AdmissionregistrationV1.ValidatingWebhookConfiguration.messageType,
        AdmissionregistrationV1.MutatingWebhookConfiguration.messageType,
        AdmissionregistrationV1.ValidatingAdmissionPolicy.messageType,
        AdmissionregistrationV1.ValidatingAdmissionPolicyBinding.messageType,
        AdmissionregistrationV1.MutatingAdmissionPolicy.messageType,
        AdmissionregistrationV1.MutatingAdmissionPolicyBinding.messageType,
    ]

    private static let returning: Set<MessageType> = [
        CoreV1.Pod.messageType, CoreV1.Service.messageType, CoreV1.ServiceAccount.messageType,
        CoreV1.PersistentVolume.messageType, CoreV1.PersistentVolumeClaim.messageType,
        CoreV1.PodTemplate.messageType, CoreV1.ResourceQuota.messageType,
        CoreV1.Namespace.messageType, StorageV1.StorageClass.messageType,
        StorageV1.CSINode.messageType, StorageV1.CSIDriver.messageType,
        StorageV1.VolumeAttachment.messageType,
    ]
}
