"""What a cluster is given before Moorage runs on it: CRDs and admission policies, as manifests."""
