/**
 * @since 0.1.0
 */
export * as ApiKeys from "./ApiKeys.js"
/**
 * @since 0.1.0
 */
export * as Authentication from "./Authentication.js"
/**
 * @since 0.1.0
 */
export * as DurableFiles from "./DurableFiles.js"
/**
 * @since 0.1.0
 */
export * as DurableUploads from "./DurableUploads.js"
/**
 * @since 0.1.0
 */
export * as FilePartStorage from "./FilePartStorage.js"
/**
 * @since 0.1.0
 */
export * as Leases from "./Leases.js"
/**
 * @since 0.1.0
 */
export * as PartStorage from "./PartStorage.js"
/**
 * @since 0.1.0
 */
export * as Project from "./Project.js"
/**
 * @since 0.1.0
 */
export * as Server from "./Server.js"
/**
 * @since 0.1.0
 */
export * as ServerConfig from "./ServerConfig.js"
/**
 * @since 0.1.0
 */
export * as SqlLeases from "./SqlLeases.js"
/**
 * @since 0.1.0
 */
export * as SqlUploadRepository from "./SqlUploadRepository.js"
/**
 * @since 0.1.0
 */
export * as SqliteClient from "./SqliteClient.js"
/**
 * @since 0.1.0
 */
export * as StorageError from "./StorageError.js"
/**
 * @since 0.1.0
 */
export * as Sweeper from "./Sweeper.js"
/**
 * @since 0.1.0
 */
export * as UploadRepository from "./UploadRepository.js"
